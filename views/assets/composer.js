// Writing: Enter sends, Shift and Enter break the line, an input method keeps its own Enter; on a phone's keyboard, which has no
// Shift for that, Enter breaks the line and the button sends. The field is never disabled and keeps its focus; what is typed
// anywhere on the page goes there; what stands in it survives a reload and a lost session.

import { call } from "./api.js";
import { isUp } from "./connection.js";
import { plural } from "./fill.js";
import { clearDivider } from "./log.js";
import { send } from "./outbox.js";
import { alarm, text } from "./say.js";
import { conversation, isSealed } from "./sealed.js";
import { byId, config } from "./state.js";
import { ofTab } from "./storage.js";

const KEY = `duet:draft:${config.base}`;
/** The server's limit, in bytes of UTF-8. */
const TEXT_BYTES_MAX = 16 * 1024;
/** This close to the limit the field shows how much is left. */
const COUNT_FROM_BYTES = 1024;
/** Longer pastes are refused: they would block the page during layout. */
const PASTE_MAX = 4 * TEXT_BYTES_MAX;
/** A visible character: the server accepts no message without one. */
const VISIBLE = /[^\s\p{Cc}\p{DI}\u2800\ufff9-\ufffc\u{13430}-\u{13442}\u{16fe4}\u{1d159}]/u;
/** A keyboard on the screen rises with the focus, and its Enter is for lines. */
const touch = matchMedia("(pointer: coarse)").matches;
/** The server passes typing on every two seconds at most. */
const TYPING_EVERY_MS = 2_500;

const form = /** @type {HTMLFormElement} */ (byId("composer"));
const field = /** @type {HTMLTextAreaElement} */ (byId("message"));
let typedAt = 0;

export function start() {
  if (isSealed) void openDraft();
  else field.value ||= ofTab.get(KEY) ?? "";
  fit();
  count();
  if (!touch) {
    field.enterKeyHint = "send";
    field.setAttribute("aria-describedby", "send-hint");
  }
  // Who is somewhere on the page already, in its menu perhaps, stays there.
  if (!touch && document.activeElement === document.body && !document.querySelector("#problem, :target")) field.focus({ preventScroll: true });
  document.addEventListener("keydown", typedElsewhere);
  takeFiles();
  // A mouse or a thumb on the button would take the focus, and with it the keyboard of a phone.
  form.querySelector("button")?.addEventListener("pointerdown", (event) => event.preventDefault());
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    submit();
  });
  field.addEventListener("keydown", (event) => {
    // 229: Safari ends the composition before the keydown of the Enter that ended it.
    if (touch || event.key !== "Enter" || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    event.preventDefault();
    submit();
  });
  field.addEventListener("input", () => {
    keepDraft();
    if (!byId("complaint").hidden) complain("");
    fit();
    count();
    typing();
  });
}

/** Counts drafts: one that is still being sealed when there is another is not kept. */
let drafts = 0;

async function openDraft() {
  const words = await conversation().readDraft(ofTab.get(KEY));
  if (drafts || field.value) return;
  field.value = words;
  fit();
  count();
}

function keepDraft() {
  if (!isSealed) return void ofTab.set(KEY, field.value);
  const mine = ++drafts;
  void conversation()
    .sealDraft(field.value)
    .then((sealed) => {
      if (mine !== drafts) return;
      if (sealed) ofTab.set(KEY, sealed);
      else ofTab.remove(KEY);
    });
}

export function clear() {
  drafts++;
  ofTab.remove(KEY);
  // A page of older messages of an encrypted chat has none.
  if (form) field.value = "";
}

function submit() {
  const words = field.value;
  field.focus();
  if (!VISIBLE.test(words)) return;
  const { over } = measure(words);
  if (over) return complain(plural(text.too_long, over));
  complain("");
  document.getElementById("problem")?.remove();
  clearDivider();
  send(words);
  // Last, so that the text is never in one place only.
  clear();
  fit();
  count();
  typedAt = 0;
}

/**
 * How many bytes of a message are left, which is exact below `COUNT_FROM_BYTES`, and how many characters are too many.
 * @param {string} words
 */
function measure(words) {
  // A unit of UTF-16 takes three bytes at most, so a short text need not be encoded.
  if (words.length * 3 <= TEXT_BYTES_MAX - COUNT_FROM_BYTES) return { left: COUNT_FROM_BYTES, over: 0 };
  const { read, written } = new TextEncoder().encodeInto(words, new Uint8Array(TEXT_BYTES_MAX));
  return { left: TEXT_BYTES_MAX - written, over: [...words.slice(read)].length };
}

function count() {
  const words = field.value;
  const { left, over } = measure(words);
  const near = over > 0 || left < COUNT_FROM_BYTES;
  const place = byId("counter");
  place.hidden = !near;
  place.classList.toggle("error", over > 0);
  // In characters of the kind that are being written.
  const bytesEach = (TEXT_BYTES_MAX - left) / [...words].length;
  if (near) place.textContent = over ? plural(text.too_long, over) : plural(text.left_over, Math.floor(left / bytesEach));
}

/** Whoever types means the field, wherever the focus happens to be. @param {KeyboardEvent} event */
function typedElsewhere(event) {
  const at = /** @type {Element} */ (event.target);
  const paste = (event.ctrlKey || event.metaKey) && event.key === "v";
  const types = paste || (event.key.length === 1 && event.key !== " " && !event.ctrlKey && !event.metaKey && !event.altKey);
  if (types && !event.defaultPrevented && !at.closest("input, textarea, select, dialog, #menu[open]")) field.focus();
}

/** Files cannot be sent: the page says so, where the browser would leave the chat to open them. */
function takeFiles() {
  field.addEventListener("paste", (event) => {
    const { files } = event.clipboardData ?? {};
    const words = event.clipboardData?.getData("text") ?? "";
    if (words.length <= PASTE_MAX && (words || !files?.length)) return;
    event.preventDefault();
    complain(words ? plural(text.too_long, measure(words).over) : text.no_files);
  });
  for (const what of /** @type {const} */ (["dragover", "drop"])) {
    document.addEventListener(what, (event) => {
      if (!event.dataTransfer?.types.includes("Files")) return;
      event.preventDefault();
      if (what === "drop") complain(text.no_files);
    });
  }
}

/** @param {string} words */
function complain(words) {
  const place = byId("complaint");
  place.textContent = words;
  place.hidden = !words;
  byId("chat").classList.toggle("complains", words !== "");
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
