// The little markup a message may have, cut the way src/rich.rs cuts it; tests/rich.json holds the cases both must agree on.
// Everything is set as text: no message ever becomes markup.

const ENDS_LINK = "\\s\\u0000-\\u001f\\u007f-\\u009f<>\"`\\u200b-\\u200f\\u202a-\\u202e\\u2060-\\u2069\\ufeff";
const PIECE = new RegExp(`\`\`\`([^]+?)\`\`\`\\n?|\`([^\`\\n]+)\`|(https?://[^${ENDS_LINK}]+)`, "gi");
const SENTENCE_END = ".,;:!?'*_~”’»…،؟؛";

/** @param {string} link */
function trimSentenceEnd(link) {
  for (;;) {
    const last = link.slice(-1);
    const open = last === ")" ? "(" : last === "]" ? "[" : "";
    const unopened = open && link.split(last).length > link.split(open).length;
    if (!last || !(SENTENCE_END.includes(last) || unopened)) return link;
    link = link.slice(0, -1);
  }
}

/**
 * @param {string} text
 * @returns {["text" | "link" | "code" | "block", string][]}
 */
export function pieces(text) {
  /** @type {["text" | "link" | "code" | "block", string][]} */
  const out = [];
  let from = 0;
  PIECE.lastIndex = 0;
  for (let match; (match = PIECE.exec(text)); ) {
    const [, block, code, address] = match;
    const link = address && trimSentenceEnd(address);
    if (address && (link ?? "").length <= address.indexOf("//") + 2) continue;
    if (match.index > from) out.push(["text", text.slice(from, match.index)]);
    if (block !== undefined) out.push(["block", block.replace(/^\n/, "").replace(/\n$/, "")]);
    else if (code !== undefined) out.push(["code", code]);
    else if (link) {
      out.push(["link", link]);
      PIECE.lastIndex = match.index + link.length;
    }
    from = PIECE.lastIndex;
  }
  if (from < text.length) out.push(["text", text.slice(from)]);
  return out;
}

const JOINS = /[\u200d\ufe0f\s]|[\u{1f3fb}-\u{1f3ff}\u{e0020}-\u{e007f}]/gu;
const EMOJI = /^[\u231a-\u23ff\u2600-\u27bf\u2b05-\u2b55\u{1f1e6}-\u{1f1ff}\u{1f300}-\u{1faff}]{1,6}$/u;

/** A few emoji and nothing else. @param {string} text */
export const onlyEmoji = (text) => EMOJI.test(text.replace(JOINS, ""));

/** @param {HTMLElement} into @param {string} text */
export function write(into, text) {
  into.classList.toggle("big", onlyEmoji(text));
  into.replaceChildren(
    ...pieces(text).map(([kind, words]) => {
      if (kind === "text") return words;
      if (kind === "link") {
        const a = document.createElement("a");
        Object.assign(a, { href: words, dir: "ltr", target: "_blank", rel: "noreferrer noopener", textContent: words });
        return a;
      }
      const code = document.createElement("code");
      code.textContent = words;
      if (kind === "code") {
        code.dir = "ltr";
        return code;
      }
      const pre = document.createElement("pre");
      pre.dir = "ltr";
      pre.append(code);
      return pre;
    }),
  );
}
