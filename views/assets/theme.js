// The colours, at once and in every tab; the server keeps the choice in a cookie, so that the next page is painted in it from the start.

import { ofBrowser } from "./storage.js";

/** Writing here notifies other tabs; nothing is kept. */
const KEY = "duet:theme";

export function start() {
  const form = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-theme-switch]"));
  form?.addEventListener("submit", (event) => {
    event.preventDefault();
    const chosen = /** @type {HTMLButtonElement} */ (event.submitter);
    paint(chosen.value);
    ofBrowser.set(KEY, `${Date.now()} ${chosen.value}`);
    ofBrowser.remove(KEY);
    const body = new URLSearchParams(/** @type {any} */ (new FormData(form, chosen)));
    fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body, keepalive: true }).catch(() => {});
  });
  addEventListener("storage", ({ key, newValue }) => {
    const [at, theme] = newValue?.split(" ") ?? [];
    // The page before this one in the same tab is heard as well, late: its choice is the one this page came with.
    if (key === KEY && theme && Number(at) > performance.timeOrigin) paint(theme);
  });
}

/** @param {string} theme */
function paint(theme) {
  document.documentElement.dataset.theme = theme;
  for (const button of /** @type {NodeListOf<HTMLButtonElement>} */ (document.querySelectorAll("[data-theme-switch] button"))) {
    button.ariaPressed = String(button.value === theme);
  }
  // The browser's own bars.
  const { backgroundColor } = getComputedStyle(document.body);
  for (const meta of /** @type {NodeListOf<HTMLMetaElement>} */ (document.querySelectorAll("meta[name=theme-color]"))) meta.content = backgroundColor;
}
