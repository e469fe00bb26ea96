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

/**
 * A page without scripts, for a checker that is itself one: none of the page's own run, and its style is what it is without them.
 * @param {import("playwright-core").BrowserContext} context
 */
export async function withoutScripts(context) {
  await context.route("**/assets/*/*.js", (route) => route.fulfill({ contentType: "text/javascript", body: "" }));
  await context.route("**/assets/*/*.css", async (route) => {
    const answer = await route.fetch();
    const style = (await answer.text()).replaceAll("(scripting: enabled)", "(max-width: 0px)");
    await route.fulfill({ response: answer, body: style });
  });
}
