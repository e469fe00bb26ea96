// What the browser keeps for these pages. Storage may be forbidden, in which case even accessing it throws, or full. Falls
// back to this page's memory, so that only a reload shows the difference.

/** @param {"localStorage" | "sessionStorage"} area */
function keeper(area) {
  /** @type {Map<string, string>} what the browser did not take */
  const memory = new Map();
  /** @template T @param {(storage: Storage) => T} use @returns {T | undefined} */
  const attempt = (use) => {
    try {
      return use(window[area]);
    } catch {
      return undefined;
    }
  };
  return {
    /** @param {string} key @returns {string | null} */
    get: (key) => memory.get(key) ?? attempt((storage) => storage.getItem(key)) ?? null,
    /** Answers whether it is kept beyond this page. @param {string} key @param {string} value @returns {boolean} */
    set(key, value) {
      const kept = attempt((storage) => storage.setItem(key, value) === undefined) ?? false;
      if (kept) memory.delete(key);
      else memory.set(key, value);
      return kept;
    },
    /** @param {string} key */
    remove(key) {
      memory.delete(key);
      attempt((storage) => storage.removeItem(key));
    },
  };
}

export const ofTab = keeper("sessionStorage");
export const ofBrowser = keeper("localStorage");
