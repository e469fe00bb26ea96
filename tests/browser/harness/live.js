// What a listener hears: everything that is written into a live region, in order.

/** Runs in every page, ahead of its own scripts. */
function record() {
  const LIVE = "[aria-live], [role=log], [role=status], [role=alert]";
  /** @type {string[]} */
  const heard = [];
  /** @type {string[]} */
  const alarms = [];
  Object.assign(globalThis, { heard, alarms });
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const within = target instanceof Element ? target : target.parentElement;
      if (!within?.closest(LIVE)) continue;
      for (const node of addedNodes) {
        const words = node.textContent?.replace(/[\u2068\u2069]/g, "").trim();
        if (!words) continue;
        heard.push(words);
        if (within.closest("[role=alert]")) alarms.push(words);
      }
    }
  }).observe(document, { subtree: true, childList: true });
}

/** To be called ahead of the first page. @param {import("./person.js").Person} person */
export const listen = ({ context }) => context.addInitScript(record);

/** What has been heard since the page was loaded. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
export const heard = (page) => page.evaluate(() => /** @type {any} */ (globalThis).heard);

/** What of it has interrupted the listener. @param {import("playwright-core").Page} page @returns {Promise<string[]>} */
export const alarms = (page) => page.evaluate(() => /** @type {any} */ (globalThis).alarms);
