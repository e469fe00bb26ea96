// Texts for a file or a terminal, as src/escaping.rs writes them.

/** No line of it passes for another message, no control reaches a terminal. @param {string} text */
export const tame = (text) =>
  text
    .replace(/[\x00-\x08\x0e-\x1b\x1f]/g, (control) => String.fromCharCode(0x2400 + control.charCodeAt(0)))
    .replace(/\r\n?|[\n\v\f\x1c-\x1e\x85\u2028\u2029]/g, "\n    ")
    .replaceAll("\x7f", "\u2421")
    .replace(/[\x80-\x9f]/g, "\ufffd");
