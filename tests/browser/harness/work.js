// How long a page is busy at a stretch: what takes longer than 50 ms is a long task, and makes typing and scrolling stick.

/** @typedef {import("playwright-core").Page} Page */

/** Begins to count. @param {Page} page */
export const watchWork = (page) =>
  page.evaluate(() => {
    /** @type {number[]} */
    const longTasks = [];
    Object.assign(globalThis, { longTasks });
    new PerformanceObserver((list) => longTasks.push(...list.getEntries().map(({ duration }) => duration))).observe({ type: "longtask" });
  });

/** The long tasks so far, in milliseconds, those of the last frame included. @param {Page} page @returns {Promise<number[]>} */
export const longTasks = (page) =>
  page.evaluate(
    () =>
      new Promise((resolve) => {
        requestAnimationFrame(() => requestAnimationFrame(() => setTimeout(() => resolve([.../** @type {any} */ (globalThis).longTasks]))));
      }),
  );

/**
 * Begins to count how much of a processor the page's own thread needs, in milliseconds. What else a machine is busy with is not in it.
 * @param {Page} page
 */
export async function watchProcessor(page) {
  const wire = await page.context().newCDPSession(page);
  await wire.send("Performance.enable", { timeDomain: "threadTicks" });
  return async () => {
    const { metrics } = await wire.send("Performance.getMetrics");
    return 1_000 * (metrics.find(({ name }) => name === "TaskDuration")?.value ?? NaN);
  };
}

/**
 * Begins to count how many messages come into the page at a stretch: in a task, and in the next one where that follows at once.
 * @param {Page} page
 */
export const watchStretches = (page) =>
  page.evaluate(() => {
    let stretch = 0;
    Object.assign(globalThis, { stretches: /** @type {number[]} */ ([]) });
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => {
      /** @type {any} */ (globalThis).stretches.push(stretch);
      stretch = 0;
    };
    new MutationObserver((changes) => {
      const nodes = changes.flatMap(({ addedNodes }) => [...addedNodes]);
      const come = nodes.filter((node) => node instanceof Element && node.matches(".message")).length;
      if (come && !stretch) port2.postMessage("");
      stretch += come;
    }).observe(/** @type {Element} */ (document.getElementById("messages")), { childList: true });
  });

/** The stretches so far. @param {Page} page @returns {Promise<number[]>} */
export const stretches = (page) => page.evaluate(() => /** @type {any} */ (globalThis).stretches);

/** The newest text on the page: cheap, however long the list is. @param {Page} page */
export const newest = (page) => page.evaluate(() => document.querySelector("#messages > :last-child .text")?.textContent);

/** How many messages the page holds. @param {Page} page */
export const held = (page) => page.evaluate(() => document.querySelectorAll("#messages .message").length);
