// The menu closes like a menu, and its two last entries open a dialog instead of a page.

import { byId } from "./state.js";

export function start() {
  const menu = /** @type {HTMLDetailsElement} */ (byId("menu"));
  const summary = /** @type {HTMLElement} */ (menu.querySelector("summary"));
  document.addEventListener("click", (event) => {
    if (!menu.contains(/** @type {Node} */ (event.target))) menu.open = false;
  });
  menu.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !menu.open) return;
    menu.open = false;
    summary.focus();
  });
  menu.addEventListener("focusout", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !menu.contains(to)) menu.open = false;
  });
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-dialog]"))) {
    const dialog = /** @type {HTMLDialogElement} */ (byId(link.dataset.dialog ?? ""));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      menu.open = false;
      // The dialog gives the focus back to what had it: a closed menu's entry could not take it.
      summary.focus();
      dialog.showModal();
    });
    const close = /** @type {HTMLElement} */ (dialog.querySelector("[data-close]"));
    close.addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
  }
}
