// The colours, at once; the server keeps the choice in a cookie, so that the next page is painted in it from the start.

export function start() {
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("[data-theme-switch]"))) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = /** @type {HTMLButtonElement} */ (event.submitter);
      if (chosen.value === "auto") delete document.documentElement.dataset.theme;
      else document.documentElement.dataset.theme = chosen.value;
      for (const button of form.querySelectorAll("button")) button.setAttribute("aria-pressed", String(button === chosen));
      // The browser's own bars.
      const { backgroundColor } = getComputedStyle(document.body);
      for (const meta of document.querySelectorAll("meta[name=theme-color]")) meta.setAttribute("content", backgroundColor);
      const body = new URLSearchParams();
      for (const [name, value] of new FormData(form, chosen)) body.append(name, String(value));
      fetch(form.action, { method: "POST", headers: { Accept: "application/json" }, body, keepalive: true }).catch(() => {});
    });
  }
}
