// Draws a QR code in the page, because a server would have to know the link.

/** @typedef {{ correction: { M: number }, generate: (words: string, how: object) => { size: number, get(x: number, y: number): boolean } }} Library */

const SVG = "http://www.w3.org/2000/svg";
/** Light modules around the code. */
const QUIET = 4;

/** Black on white in either theme, since readers expect that. @param {Element} svg @param {string} words @param {any} library lean-qr.js */
export function draw(svg, words, library) {
  const { correction, generate } = /** @type {Library} */ (library);
  const code = generate(words, { minCorrectionLevel: correction.M });
  const side = code.size + 2 * QUIET;
  let path = "";
  for (let y = 0; y < code.size; y++) {
    for (let x = 0, run; x < code.size; x += run || 1) {
      for (run = 0; code.get(x + run, y); ) run++;
      if (run) path += `M${x + QUIET} ${y + QUIET}h${run}v1h-${run}z`;
    }
  }
  svg.setAttribute("viewBox", `0 0 ${side} ${side}`);
  for (const [name, attributes] of /** @type {[string, Record<string, string>][]} */ ([
    ["rect", { width: String(side), height: String(side), fill: "#fff" }],
    ["path", { d: path, fill: "#000" }],
  ])) {
    const shape = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) shape.setAttribute(key, value);
    svg.append(shape);
  }
}
