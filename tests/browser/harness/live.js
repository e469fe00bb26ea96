// What a listener hears: everything that is written into a live region, in order.

/** @typedef {{ heard: string[], alarms: string[] }} Ears what has been heard, and what of it has interrupted the listener */

/** Runs in every page, ahead of its own scripts. */
function report() {
  const LIVE = "[aria-live], [role=log], [role=status], [role=alert]";
  new MutationObserver((changes) => {
    for (const { target, addedNodes } of changes) {
      const within = target instanceof Element ? target : target.parentElement;
      if (!within?.closest(LIVE)) continue;
      for (const node of addedNodes) {
        const words = node.textContent?.replace(/[\u2068\u2069]/g, "").trim();
        if (words) /** @type {any} */ (globalThis).hear(words, within.closest("[role=alert]") !== null);
      }
    }
  }).observe(document, { subtree: true, childList: true });
}

/**
 * To be called ahead of the first page. Pages tell what is heard by themselves: one that is being left may never answer a question.
 *
 * @param {import("./person.js").Person} person
 * @returns {Promise<Ears>}
 */
export async function listen({ context }) {
  /** @type {Ears} */
  const ears = { heard: [], alarms: [] };
  await context.exposeFunction("hear", (/** @type {string} */ words, /** @type {boolean} */ interrupts) => {
    ears.heard.push(words);
    if (interrupts) ears.alarms.push(words);
  });
  await context.addInitScript(report);
  return ears;
}
