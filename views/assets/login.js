// A link from one's other device carries a code and a name behind the `#`, where no server sees them.

export function start() {
  const form = /** @type {HTMLFormElement | null} */ (document.getElementById("login"));
  const carried = new URLSearchParams(location.hash.slice(1));
  const code = carried.get("device");
  if (!form || !code) return;
  // The code is good once: it must not stay in the address bar or the history.
  history.replaceState(null, "", location.pathname + location.search);
  const field = (/** @type {string} */ id) => /** @type {HTMLInputElement} */ (document.getElementById(id));
  field("deviceCode").value = code;
  field("user").value = carried.get("user") ?? "";
  /** @type {HTMLElement} */ (form.querySelector("[data-device-ready]")).hidden = false;
  if (field("user").value) /** @type {HTMLElement} */ (form.querySelector("button.primary")).focus();
  else field("user").focus();
}
