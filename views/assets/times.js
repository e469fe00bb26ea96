// Instants in the reader's own zone and language. The server writes UTC.

const language = document.documentElement.lang;
/** The reader's own variety of the page's language, for 12 or 24 hours and the like. */
const locale = navigator.languages.find((tag) => tag.split("-")[0] === language) ?? language;
/** One kind of digits on a page: the same as in its sentences. @param {Intl.DateTimeFormatOptions} parts */
const format = (parts) => new Intl.DateTimeFormat(locale, { ...parts, numberingSystem: "latn" });
const clock = format({ hour: "numeric", minute: "2-digit" });
const weekday = format({ weekday: "long", day: "numeric", month: "long" });
const date = format({ day: "numeric", month: "short" });
const full = format({ day: "numeric", month: "short", hour: "numeric", minute: "2-digit" });
const near = new Intl.RelativeTimeFormat(locale, { numeric: "auto" });

/** Days since the epoch, in the reader's zone. @param {number} ms */
export function dayNumber(ms) {
  const at = new Date(ms);
  return Math.round(Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000);
}

/** @param {number} ms @param {string | undefined} kind */
export function written(ms, kind) {
  const days = dayNumber(ms) - dayNumber(Date.now());
  if (kind === "time") return clock.format(ms);
  if (kind === "day") return Math.abs(days) < 2 ? near.format(days, "day") : weekday.format(ms);
  if (kind === "until" && days > 1) return date.format(ms);
  return days === 0 ? clock.format(ms) : full.format(ms);
}

/** @param {Element} element a `<time>` @param {number} [ms] */
export function show(element, ms) {
  const time = /** @type {HTMLTimeElement} */ (element);
  const at = ms ?? Date.parse(time.dateTime);
  if (ms !== undefined) time.dateTime = new Date(ms).toISOString();
  time.textContent = written(at, time.dataset.show);
  time.title = full.format(at);
}

/** @param {ParentNode} within */
export function showAll(within) {
  for (const time of within.querySelectorAll("time[datetime][data-show]")) show(time);
}
