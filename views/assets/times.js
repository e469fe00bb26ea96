// Instants in the reader's own zone and language. The server writes UTC; a page is first painted when this module has rewritten
// it (`blocking="render"`), since another width of a time can put it on another line and move all that is around it.

const language = document.documentElement.lang;
/** The reader's own variety of the page's language, for 12 or 24 hours and the like. */
const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
/** @type {Record<string, Intl.DateTimeFormatOptions>} */
const PARTS = {
  clock: { hour: "numeric", minute: "2-digit" },
  weekday: { weekday: "long", day: "numeric", month: "long" },
  date: { day: "numeric", month: "short" },
  full: { day: "numeric", month: "short", hour: "numeric", minute: "2-digit" },
};
/** @type {Map<string, Intl.DateTimeFormat>} made when they are wanted: each takes a slow phone some milliseconds */
const formats = new Map();

/** @param {string} name @param {number} ms */
function format(name, ms) {
  // One kind of digits on a page: the same as in its sentences.
  const made = formats.get(name) ?? new Intl.DateTimeFormat(locale, { ...PARTS[name], numberingSystem: "latn" });
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
  const days = dayNumber(ms) - dayNumber(Date.now());
  if (kind === "time") return format("clock", ms);
  if (kind === "day") return Math.abs(days) < 2 ? new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(days, "day") : format("weekday", ms);
  if (kind === "until" && days > 1) return format("date", ms);
  return days === 0 ? format("clock", ms) : format("full", ms);
}

/** @param {Element} element a `<time>` @param {number} [ms] */
export function show(element, ms) {
  const time = /** @type {HTMLTimeElement} */ (element);
  const at = ms ?? Date.parse(time.dateTime);
  if (ms !== undefined) time.dateTime = new Date(ms).toISOString();
  time.textContent = written(at, time.dataset.show);
  time.title = format("full", at);
}

for (const time of document.querySelectorAll("time[datetime][data-show]")) show(time);
