// Keyboard navigation and closing of the menu; its last entries open a dialog instead of a page.

import { byId } from "./state.js";

export function start() {
  const menu = /** @type {HTMLDetailsElement} */ (byId("menu"));
  const summary = /** @type {HTMLElement} */ (menu.querySelector("summary"));
  const close = () => {
    menu.open = false;
    summary.focus();
  };
  document.addEventListener("click", (event) => {
    const target = /** @type {Element} */ (event.target);
    // A switch shows its new state in the menu; any other entry closes it.
    if (!menu.contains(target) || target.closest("a.item, form:not(.switch) .item")) menu.open = false;
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && menu.open) close();
  });
  menu.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    if (!step) return;
    event.preventDefault();
    menu.open = true;
    const items = [...menu.querySelectorAll(".panel :is(a, button)")].filter((item) => item.checkVisibility());
    const at = items.indexOf(/** @type {Element} */ (document.activeElement));
    // Around the ends, as menus go; from the summary to the first, or to the last.
    const next = Number.isFinite(step) ? (at < 0 && step < 0 ? -1 : at + step) : step > 0 ? -1 : 0;
    /** @type {HTMLElement | undefined} */ (items.at(next % items.length))?.focus();
  });
  menu.addEventListener("focusout", (event) => {
    const to = /** @type {Node | null} */ (event.relatedTarget);
    if (to && !menu.contains(to)) menu.open = false;
  });
  for (const link of /** @type {NodeListOf<HTMLElement>} */ (menu.querySelectorAll("[data-dialog]"))) {
    const dialog = /** @type {HTMLDialogElement} */ (byId(link.dataset.dialog ?? ""));
    link.addEventListener("click", (event) => {
      event.preventDefault();
      // The dialog gives the focus back to what had it: a closed menu's entry could not take it.
      close();
      dialog.showModal();
    });
    dialog.addEventListener("click", (event) => {
      const pressed = /** @type {Element} */ (event.target).closest("[data-close], [data-close-after]");
      if (!pressed) return;
      if (pressed.matches("[data-close]")) event.preventDefault();
      dialog.close();
    });
  }
}
