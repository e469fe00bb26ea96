// What follows the # of a link, where no server sees it: the secret of an encrypted chat, and a code and a name from one's other
// device. None of it may stay in the address bar or the history.

const SECRET = "v1.";

export function start() {
  const fragment = location.hash.slice(1);
  const [first] = fragment.split("&");
  const secret = first.startsWith(SECRET) ? first : null;
  const carried = new URLSearchParams(fragment);
  const code = carried.get("device");
  if (secret !== null || code) history.replaceState(null, "", location.pathname + location.search);
  // The same page, asked for with another fragment, is not loaded again by itself.
  addEventListener("hashchange", () => location.hash.startsWith(`#${SECRET}`) && location.reload());
  unlock(secret);
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("login"));
  if (!form || !code) return;
  const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
  field("deviceCode").value = code;
  field("user").value = carried.get("user") ?? "";
  /** @type {HTMLElement} */ (form.querySelector("[data-device-ready]")).hidden = false;
  if (field("user").value) /** @type {HTMLElement} */ (form.querySelector("button.primary")).focus();
  else field("user").focus();
}

/** What an encrypted chat needs is loaded where there is one, or may be one soon. @param {string | null} secret */
function unlock(secret) {
  const find = (/** @type {string} */ what) => /** @type {HTMLElement | null} */ (document.querySelector(what));
  const [place, maker, leaver] = [find("[data-encrypted]"), find("#register"), find("form[data-leave]")];
  if (!place && secret === null && !maker && !leaver) return;
  if (!crypto.subtle) {
    const why = find('[data-cannot="insecure"]');
    if (!place || !why) return;
    why.hidden = false;
    place.hidden = true;
    return;
  }
  void import("./vault.js").then((vault) => {
    void vault.enter(place, secret);
    if (maker) void vault.prepare(/** @type {HTMLFormElement} */ (maker));
    if (leaver) vault.forget(/** @type {HTMLFormElement} */ (leaver));
  });
}
