// The little markup a message may have, cut the way src/rich.rs cuts it; tests/rich.json holds the cases both must agree on. The
// text is a stranger's: no character is looked at more than a few times, however it is put together. Everything is set as text: no
// message ever becomes markup.

/** @typedef {"text" | "link" | "site" | "mail" | "code" | "block"} Kind */

// The rules, and why they are so, stand in src/rich/links.rs.
const LINK_BYTES_MAX = 2048;
const WORD = /[\p{Alpha}\p{N}\p{M}._%+-]/u;
const UNSPACED = "[\u0590-\u08ff\u0e00-\u0eff\u1000-\u11ff\u1780-\u17ff\u2e80-\ud7af\uf900-\ufaff\ufb1d-\ufefe\uff66-\uffdc\u{20000}-\u{3ffff}]";
const SPACE = /\p{White_Space}/u;
const APART = new RegExp(`${UNSPACED}[\\dA-Za-z]|[\\dA-Za-z]${UNSPACED}`, "u");
const ENDS_HOST = /[!$&'()*,;={}|^’]|(?![!-~])\p{Emoji}/u;
const ENDS_LINK = /[\s\p{Cc}<>"\x60—\u2800\ufff9-\ufffc]|(?![\ufe0e\ufe0f])\p{DI}|(?![!-~·’…])[\p{Po}\p{Ps}\p{Pe}\p{Pi}\p{Pf}]/u;
const ENDS_SENTENCE = ".,;:!?'*_~|([{·’…–";
// Those of countries by their first letter, each with all second ones.
const COUNTRIES = "acdefgilortuz babdeghinorstwyz cadfghiklmnoruvxyz dejkmoz ecegrstu fijmor gadeghilmnprtuy hknrtu idelmnoqrst jemop keghimrwyz labcikrstuvy macegklnoprstuvwxyz naefgilopruz om paefghklnrtw qa reouw sabcegiklmnrtvyz tcdfghjklmnortvwz uagksyz vaceginu wfs yet zamw";
const TOP_LEVELS = new Set("app art bar bid biz blog cafe cat chat cloud club com dev digital edu email fun games gov help host info int jobs life link live media mil mobi museum name net network news one online org page press pro pub quest rocks shop site social software space store studio systems team tech tel tips today tools top travel video vip website wiki work world wtf xyz zone рф укр бел срб ελ 中国 中國 香港 台灣 한국 भारत امارات السعودية مصر ایران".split(" ").concat(COUNTRIES.split(" ").flatMap(([one, ...others]) => others.map((two) => one + two))));

/** @param {string} text @param {number} at the character there, or "" at the end */
const look = (text, at) => String.fromCodePoint(...(at < text.length ? [text.codePointAt(at) ?? 0] : []));

/**
 * The last label of a host that has at least so many labels, all of them well formed.
 * @param {string} host @param {number} labels
 */
function topLevel(host, labels) {
  const all = host.split(".");
  const sound = host.length < 254 && all.length >= labels && all.every((label) => label.length < 64 && /^[^-_%+\p{M}](.*[^-])?$/su.test(label) && !/[_%+]/.test(label));
  return (sound && all.pop()) || "";
}

/** @param {string} text @param {number} at */
function endOfWord(text, at) {
  for (let c, before = ""; (c = look(text, at)) && WORD.test(c) && !APART.test(before + c); at += c.length) before = c;
  return at;
}

/**
 * Where the link ends that is sure of its characters up to `from`, and where the reading stopped.
 * @param {string} text @param {number} from @param {number} sure
 */
function goOn(text, from, sure) {
  let [end, at, inHost] = [sure, from, sure < 0];
  /** @type {Record<string, number>} brackets that are open, by what closes them */
  const open = { ")": 0, "]": 0, "}": 0 };
  for (let c, before = ""; (c = look(text, at)) && !ENDS_LINK.test(c); at += c.length) {
    if ("/?#".includes(c)) inHost = false;
    if (inHost && (ENDS_HOST.test(c) || APART.test(before + c))) break;
    if (open[c]-- === 0 || (",;|".includes(c) && /^.https?:\/\//i.test(text.slice(at, at + 9)))) break;
    const closing = { "(": ")", "[": "]", "{": "}" }[c];
    if (closing) open[closing]++;
    if (!ENDS_SENTENCE.includes(c)) end = at + c.length;
    before = c;
  }
  return { end, at };
}

/**
 * The link in, or around, the word that stands between `start` and `end`.
 * @param {string} text @param {number} start @param {number} end
 * @returns {{ kind: Kind, from: number, end: number, at?: number } | undefined}
 */
function linkAt(text, start, end) {
  const word = text.slice(start, end);
  const scheme = text.startsWith("://", end) ? /https?$/i.exec(word.slice(-5))?.[0] : "";
  if (scheme) {
    const found = goOn(text, end + 3, -1);
    if (found.end > 0) return { kind: "link", from: end - scheme.length, ...found };
  }
  const edge = (/** @type {string} */ c) => "._%+-".includes(c);
  let from = start;
  while (from < end && edge(text[from])) from++;
  if (from === end || (from && "/\\@=&#?\xad\u200c\u200d\u2060".includes(text[from - 1]))) return;
  if (text[end] === "@") {
    let to = endOfWord(text, end + 1);
    while (to > end + 1 && edge(text[to - 1])) to--;
    const top = topLevel(text.slice(end + 1, to), 2);
    if (end - from > 64 || ".%".includes(text[end - 1]) || !/^[\p{Alpha}\p{M}]{2,}$/u.test(top)) return;
    return { kind: "mail", from, end: to };
  }
  let to = end;
  while (edge(text[to - 1])) to--;
  const host = text.slice(from, to);
  const www = /^www\./i.test(host);
  const top = topLevel(host, www ? 3 : 2);
  const lower = top.toLowerCase();
  if (!top || (!www && !(TOP_LEVELS.has(lower) && (top === lower || top === top.toUpperCase())))) return;
  const more = to === end && /^([/?#]|:\d)/.test(text.slice(to, to + 2));
  return { kind: "site", from, ...(more ? goOn(text, to, to) : { end: to }) };
}

/** @param {string} text without code @param {[Kind, string][]} out */
function cut(text, out) {
  let from = 0;
  for (let at = 0, c; (c = look(text, at)); ) {
    const end = endOfWord(text, at);
    const link = end > at ? linkAt(text, at, end) : undefined;
    if (link && new TextEncoder().encode(text.slice(link.from, link.end)).length <= LINK_BYTES_MAX) {
      if (link.from > from) out.push(["text", text.slice(from, link.from)]);
      out.push([link.kind, text.slice(link.from, link.end)]);
      at = from = link.end;
    } else at = link?.at ?? (end > at ? end : at + c.length);
  }
  if (from < text.length) out.push(["text", text.slice(from)]);
}

/** @param {string} text */
export function pieces(text) {
  /** @type {[Kind, string][]} */
  const out = [];
  let from = 0;
  // A fence that nothing closes is looked for once: nothing closes a later one either.
  let fences = true;
  for (let at = 0; (at = text.indexOf("`", at)) >= 0; ) {
    /** @type {[Kind, string] | undefined} */
    let piece;
    let end = -1;
    if (fences && text.startsWith("```", at)) {
      end = text.indexOf("```", at + 4);
      fences = end > 0;
      if (fences) piece = ["block", text.slice(at + 3, end).replace(/^([\w+#.-]+\n(?=\n*[^\n])|\n)/, "").replace(/\n$/, "")];
      end += text[end + 3] === "\n" ? 4 : 3;
    }
    if (!piece) {
      end = at + 1;
      while (end < text.length && text[end] !== "`" && text[end] !== "\n") end++;
      if (text[end] === "`" && end > at + 1) piece = ["code", text.slice(at + 1, end++)];
    }
    if (piece) {
      cut(text.slice(from, at), out);
      out.push(piece);
    }
    at = piece ? (from = end) : at + 1;
  }
  cut(text.slice(from), out);
  return out;
}

/** More than a handful reads as text again. */
const BIG_EMOJI_MAX = 6;
const EMOJI = /^(?:[#*\d]\ufe0f?\u20e3|(?![#*\d])(?=[\u231a-\u{10ffff}]|.*\ufe0f)\p{Emoji}[\p{Emoji}\u200d\ufe0f\u{e0020}-\u{e007f}]*)$/u;
/** @type {Intl.Segmenter | undefined} made for the first message that is written here */
let segmenter;

/** A few emoji and nothing else, counted as people count: a family is one. @param {string} text */
export function onlyEmoji(text) {
  let count = 0;
  if ("Segmenter" in Intl) segmenter ??= new Intl.Segmenter();
  for (const { segment } of segmenter?.segment(text) ?? [{ segment: "?" }]) {
    if (!shown(segment)) continue;
    if (++count > BIG_EMOJI_MAX || !EMOJI.test(segment)) return false;
  }
  return count > 0;
}

/**
 * Without the blank lines around it, which a phone's Enter leaves. What a first line is indented by stays.
 * @param {string} text
 */
export function shown(text) {
  let end = text.length;
  while (end && SPACE.test(text[end - 1])) end--;
  return text.slice(0, end).replace(/^\p{White_Space}*\n/u, "");
}

const SCHEMES = { link: "", site: "https://", mail: "mailto:" };

/** @param {HTMLElement} into @param {string} text */
export function write(into, text) {
  into.classList.toggle("big", onlyEmoji(text));
  into.replaceChildren(
    ...pieces(shown(text)).map(([kind, words]) => {
      if (kind === "text") return words;
      if (kind === "code" || kind === "block") {
        const code = document.createElement("code");
        code.textContent = words;
        const outer = kind === "code" ? code : document.createElement("pre");
        outer.dir = "ltr";
        if (outer !== code) outer.append(code);
        return outer;
      }
      const a = document.createElement("a");
      Object.assign(a, { href: SCHEMES[kind] + words, dir: "ltr", target: "_blank", rel: "noreferrer noopener", textContent: words });
      return a;
    }),
  );
}
