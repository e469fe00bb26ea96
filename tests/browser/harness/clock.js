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

/** Runs in every page, ahead of its own scripts: what is waited for at most is over ten times as soon. */
export function hurry() {
  const timeout = AbortSignal.timeout;
  AbortSignal.timeout = (ms) => timeout.call(AbortSignal, ms / 10);
}
