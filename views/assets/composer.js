// Writing: Enter sends, Shift and Enter break the line, an input method keeps its own Enter. The field is never disabled and
// keeps its focus; what stands in it survives a reload and a lost session.

import { call } from "./api.js";
import { isUp } from "./connection.js";
import { clearDivider } from "./log.js";
import { send } from "./outbox.js";
import { alarm, text } from "./say.js";
import { byId, config } from "./state.js";
import { ofTab } from "./storage.js";

const KEY = `duet:draft:${config.base}`;
/** The server's limit, in bytes of UTF-8. */
const TEXT_BYTES_MAX = 16 * 1024;
/** The server passes typing on every two seconds at most. */
const TYPING_EVERY_MS = 2_500;

const form = /** @type {HTMLFormElement} */ (byId("composer"));
const field = /** @type {HTMLTextAreaElement} */ (byId("message"));
let typedAt = 0;

export function start() {
  field.value ||= ofTab.get(KEY) ?? "";
  fit();
  // A mouse or a thumb on the button would take the focus, and with it the keyboard of a phone.
  form.querySelector("button")?.addEventListener("pointerdown", (event) => event.preventDefault());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("keydown", (event) => {
    // 229: Safari ends the composition before the keydown of the Enter that ended it.
    if (event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => {
    ofTab.set(KEY, field.value);
    if (!byId("complaint").hidden) complain("");
    fit();
    typing();
  });
}

export function clear() {
  ofTab.remove(KEY);
  field.value = "";
}

function submit() {
  const words = field.value;
  field.focus();
  if (!words.trim()) return;
  if (new TextEncoder().encode(words).length > TEXT_BYTES_MAX) {
    complain(text.too_long);
    return;
  }
  complain("");
  document.getElementById("problem")?.remove();
  clearDivider();
  send(words);
  // Last: the words are never in one place only.
  clear();
  fit();
  typedAt = 0;
}

/** @param {string} words */
function complain(words) {
  const place = byId("complaint");
  place.textContent = words;
  place.hidden = !words;
  field.setAttribute("aria-invalid", String(words !== ""));
  alarm(words);
}

function typing() {
  if (!isUp() || !field.value.trim() || Date.now() - typedAt < TYPING_EVERY_MS) return;
  typedAt = Date.now();
  void call("typing", {});
}

/** Grows with what is written, where the browser does not do that by itself. */
function fit() {
  if (CSS.supports("field-sizing", "content")) return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}
