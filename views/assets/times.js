// Instants in the reader's own zone, and as their browser writes them, whatever the page's language. The server writes UTC; a page
// is first painted when this module has rewritten it (`blocking="render"`), since another width of a time can put it on another
// line and move all that is around it.

/** Some systems name what is no language, such as `en-US@posix`, which would throw. Without any the browser's own is meant. */
const locales = navigator.languages.filter((tag) => {
  try {
    return Intl.getCanonicalLocales(tag);
  } catch {
    return false;
  }
});
const TIMES = "time[datetime][data-show]";
/** With a 24-hour clock, a single digit would look cut off. */
const hour = new Intl.DateTimeFormat(locales, { hour: "numeric" }).resolvedOptions().hourCycle?.startsWith("h2") ? "2-digit" : "numeric";
/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const PARTS = {
  clock: { hour, minute: "2-digit" },
  weekday: { weekday: "long", day: "numeric", month: "long" },
  date: { day: "numeric", month: "short" },
  full: { day: "numeric", month: "short", hour, minute: "2-digit" },
};
/** @type {Map<string, Intl.DateTimeFormat>} made when they are wanted: each takes a slow phone some milliseconds */
const formats = new Map();

/** How far the server's clock is ahead of this one: what day it is now is the server's to say. */
let ahead = Number(document.documentElement.dataset.now ?? Date.now()) - Date.now();
/** An answer takes a while, and tells the time in seconds. */
const CLOCKS_APART_MS = 30_000;

/** The server's clock, whatever this one shows. */
export const now = () => Date.now() + ahead;

/** This clock may be set while a page is open. @param {number} ms what the server's shows */
export function compare(ms) {
  if (Math.abs(ms - now()) > CLOCKS_APART_MS) ahead = ms - Date.now();
}

/** @param {string} name @param {number} ms */
function format(name, ms) {
  // One kind of digits on a page: the same as in its sentences.
  const made = formats.get(name) ?? new Intl.DateTimeFormat(locales, { ...PARTS[name], numberingSystem: "latn" });
  formats.set(name, made);
  return made.format(ms);
}

/** Days since the epoch, in the reader's zone. @param {number} ms */
export function dayNumber(ms) {
  const at = new Date(ms);
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000);
}

/** @param {number} ms @param {string | undefined} kind */
export function written(ms, kind) {
  const days = dayNumber(ms) - dayNumber(now());
  if (kind === "time") return format("clock", ms);
  if (kind === "day") return !days || days === -1 ? new Intl.RelativeTimeFormat(locales, { numeric: "auto" }).format(days, "day") : format("weekday", ms);
  if (kind === "until") return format(days > 1 ? "date" : "full", ms);
  return format(days ? "full" : "clock", ms);
}

/** @param {Element} element a `<time>` @param {number} [ms] */
export function show(element, ms) {
  const time = /** @type {HTMLTimeElement} */ (element);
  if (ms !== undefined) time.dateTime = new Date(ms).toISOString();
  time.removeAttribute("title");
  let words = written(Date.parse(time.dateTime), time.dataset.show);
  // A time may end with a full stop, as the sentence does: "7. Dez.", "8:38 p.m."
  if (time.nextSibling?.nodeValue?.startsWith(".")) words = words.replace(/\.$/, "");
  // Words that are set anew are laid out anew.
  if (time.textContent !== words) time.textContent = words;
  Object.assign(time, { lang: locales[0] ?? "", dir: "auto" });
}

/** All of them: what is "today" changes at midnight, and the zone when somebody travels. */
export function refresh() {
  formats.clear();
  for (const time of document.querySelectorAll(TIMES)) show(time);
}

export function start() {
  refresh();
  // The day and the time in full are written for whoever points at a time: nobody does so at most of them.
  document.addEventListener("pointerover", ({ target }) => {
    const time = /** @type {HTMLTimeElement | null} */ (/** @type {Element} */ (target).closest(TIMES));
    if (time && !time.title) time.title = format("full", Date.parse(time.dateTime));
  });
}
