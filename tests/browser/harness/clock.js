// A page's clock that a claim moves.

/** The page no longer hears what time the answers tell. */
function deafen() {
  const get = Headers.prototype.get;
  Headers.prototype.get = function (/** @type {string} */ name) {
    return name === "Date" ? null : get.call(this, name);
  };
}

/**
 * For a page whose time goes by as for the server, though the claim moves it alone. Ahead of the page.
 * @param {import("playwright-core").Page} page @param {{ time?: number }} [options]
 */
export async function installClock(page, options) {
  await page.clock.install(options);
  await page.addInitScript(deafen);
}

/** What a page waits for at most is over ten times as soon, until the function is called that is returned. @param {import("playwright-core").Page} page */
export async function hurry(page) {
  await page.evaluate(() => {
    const { timeout } = AbortSignal;
    AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 10);
    Object.assign(globalThis, { takeTime: () => void (AbortSignal.timeout = timeout) });
  });
  return () => page.evaluate(() => /** @type {any} */ (globalThis).takeTime());
}
