// Ways to look at a page.

/** @typedef {import("playwright-core").Page} Page */

/** Waits until letters and lines stand where they belong. @param {Page} page */
export async function settle(page) {
  await page.waitForLoadState("load");
  await page.evaluate(async () => {
    await document.fonts.ready;
    for (const animation of document.getAnimations()) {
      if (animation.effect?.getComputedTiming().iterations !== Infinity) await animation.finished.catch(() => {});
    }
  });
  return page;
}
