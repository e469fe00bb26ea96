// Web Locks: held by one tab of a browser at a time. A lock goes when its tab is closed or crashes. Browsers have
// them on secure addresses alone, and forbid them along with storage; then every tab is on its own and holds whatever it asks for.

export const hasLocks = "locks" in navigator;

/**
 * @param {string} name
 * @param {LockOptions} [options] how long to wait: a signal, or `ifAvailable`
 * @returns {Promise<(() => void) | undefined>} lets it go; undefined where somebody else has it
 */
export const hold = (name, options = {}) =>
  new Promise((resolve) => {
    if (!hasLocks) return resolve(() => {});
    navigator.locks
      .request(name, options, (lock) => new Promise((free) => (lock ? resolve(() => free(undefined)) : free(resolve(undefined)))))
      .catch(({ name: why }) => resolve(why === "SecurityError" ? () => {} : undefined));
  });
