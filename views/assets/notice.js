// Who ended the chat: the chat's page left it in this tab's storage, to be read once.

export function start() {
  const kept = sessionStorage.getItem("duet:ended");
  sessionStorage.removeItem("duet:ended");
  const unknown = /** @type {HTMLElement | null} */ (document.querySelector('[data-ended="unknown"]'));
  if (!kept || !unknown) return;
  const [who, peer] = JSON.parse(kept);
  const words = /** @type {HTMLElement | null} */ (document.querySelector(`[data-ended="${CSS.escape(who)}"]`));
  if (!words) return;
  const place = words.querySelector("[data-fill]");
  if (place) place.textContent = peer;
  unknown.hidden = true;
  words.hidden = false;
}
