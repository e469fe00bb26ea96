// Copy, and Share where the browser has it. A clipboard that refuses leaves the text selected. Also "Saved", which takes the return
// code off the page.

import { sendForm } from "./request.js";

const DONE_MS = 2_500;

export function start() {
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-copy]"))) {
    const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.copy ?? ""));
    const status = /** @type {HTMLElement} */ (document.getElementById(`${field.id}-status`));
    const label = button.textContent;
    field.addEventListener("focus", () => field.select());
    button.addEventListener("click", async () => {
      await filled(field);
      const done = await copy(field);
      const words = (done ? button.dataset.done : button.dataset.failed) ?? "";
      if (done) button.textContent = words;
      // What the button shows takes no room besides.
      status.className = done ? "visually-hidden" : "hint";
      status.textContent = words;
      setTimeout(() => {
        button.textContent = label;
        if (done) status.textContent = "";
      }, DONE_MS);
    });
  }
  const kept = /** @type {HTMLFormElement | null} */ (document.querySelector("[data-saved]"));
  kept?.addEventListener("submit", async (event) => {
    event.preventDefault();
    if (!(await sendForm(kept))) return;
    kept.remove();
    /** @type {HTMLElement | null} */ (document.querySelector("#message, main a.button"))?.focus();
  });
  for (const button of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-share]"))) {
    const field = /** @type {HTMLInputElement} */ (document.getElementById(button.dataset.share ?? ""));
    if (!navigator.share) continue;
    button.hidden = false;
    // Closing the system's sheet counts as a refusal; there is nothing to say about it.
    button.addEventListener("click", async () => {
      await filled(field);
      navigator.share({ text: button.dataset.shareText, url: field.value }).catch(() => {});
    });
  }
}

/** The link of an encrypted chat is complete when its key has come: `links.js`. @param {HTMLInputElement} field */
async function filled(field) {
  if (!field.value) await new Promise((come) => field.addEventListener("change", come, { once: true }));
}

/** @param {HTMLInputElement} field */
async function copy(field) {
  try {
    await navigator.clipboard.writeText(field.value);
    return true;
  } catch {
    field.focus();
    field.select();
    return false;
  }
}
