// What a page owes to everybody: axe-core's rules, and a few that it does not have.

import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
/** Every rule that axe-core has for these. */
const ALL = { type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice", "experimental"] };
/** What another set of colours can change. */
const COLOURS = { type: "rule", values: ["color-contrast", "link-in-text-block"] };

/**
 * Everything that is wrong with a page as it stands.
 * @param {import("playwright-core").Page} page @param {{ rules?: "all" | "colours" | "none" }} [how] axe-core's @returns {Promise<string[]>}
 */
export async function faults(page, { rules: asked = "all" } = {}) {
  if (asked === "none") return page.evaluate(measure);
  // Half a megabyte, so once for each document.
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.evaluate(axe);
  const rules = await page.evaluate(`(async () => {
    // Where scripts are off timers do not run either, and axe-core waits for one.
    if (matchMedia("(scripting: none)").matches) globalThis.setTimeout = (work) => void Promise.resolve().then(work);
    const { violations } = await axe.run(document, { runOnly: ${JSON.stringify(asked === "colours" ? COLOURS : ALL)}, resultTypes: ["violations"] });
    return violations.flatMap(({ id, impact, nodes }) =>
      nodes.map(({ target, failureSummary }) => [id, impact, target.join(" "), failureSummary.split("\\n")[1]?.trim()].join(" | ")));
  })()`);
  return [.../** @type {string[]} */ (rules), ...(await page.evaluate(measure))];
}

/**
 * Runs in the page: nothing sticks out sideways, the field for a message is in sight, what is written into is no reason for a phone to
 * zoom in, and what is pressed is large enough to be hit and has an edge that can be seen.
 */
function measure() {
  const TARGET_PX = 44;
  const EDGE_CONTRAST = 3;
  const FONT_PX = 16;
  const found = [];
  const wider = document.documentElement.scrollWidth - innerWidth;
  if (wider > 0) found.push(`the page is ${wider} px wider than the window`);
  const field = document.querySelector("#composer");
  if (field?.checkVisibility()) {
    const { top, bottom } = field.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight + 1) found.push(`the field for a message stands from ${top} to ${bottom} of ${innerHeight} px`);
  }
  for (const one of document.querySelectorAll("textarea, select, input[type=text]")) {
    const size = parseFloat(getComputedStyle(one).fontSize);
    if (size < FONT_PX - 0.1) found.push(`letters of ${size} px to write with: ${one.outerHTML.slice(0, 90)}`);
  }
  // Nobody presses a thing on paper.
  if (matchMedia("print").matches) {
    const pressed = [...document.querySelectorAll("button, .button, textarea, .footing, dialog")].filter((node) => node.checkVisibility({ visibilityProperty: true }));
    return [...found, ...pressed.map((node) => `on paper: ${node.outerHTML.slice(0, 90)}`)];
  }
  const scope = document.querySelector("dialog[open]") ?? document;
  if (scope instanceof HTMLDialogElement) {
    const { top, bottom } = scope.getBoundingClientRect();
    if (top < 0 || bottom > innerHeight + 1) found.push(`a dialog from ${top} to ${bottom} of ${innerHeight} px`);
  }
  const pressed = scope.querySelectorAll("button, a.button, a.item, summary, textarea, select, input:not([type=hidden], [type=radio], [type=checkbox]), label:has([type=radio], [type=checkbox])");
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (pressed)) {
    if (!node.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
    const { width, height } = node.getBoundingClientRect();
    if (Math.min(width, height) + 0.5 < TARGET_PX) {
      found.push(`a target of ${width.toFixed(1)}×${height.toFixed(1)} px: ${node.outerHTML.slice(0, 90)}`);
    }
    const { borderTopWidth, borderTopColor, backgroundColor } = getComputedStyle(node);
    if (!parseFloat(borderTopWidth)) continue;
    const around = behind(node.parentElement);
    const edge = Math.max(contrast(borderTopColor, around), contrast(backgroundColor, around));
    if (edge < EDGE_CONTRAST) found.push(`an edge of ${edge.toFixed(2)}:1: ${node.outerHTML.slice(0, 90)}`);
  }
  return found;

  /** The nearest colour that lets nothing through. @param {Element | null} node @returns {string} */
  function behind(node) {
    if (!node) return "rgb(255, 255, 255)";
    const { backgroundColor } = getComputedStyle(node);
    return channels(backgroundColor).length === 3 ? backgroundColor : behind(node.parentElement);
  }

  /** As WCAG 2 reckons it. @param {string} one @param {string} two */
  function contrast(one, two) {
    const [dark, light] = [luminance(one), luminance(two)].sort((a, b) => a - b);
    return (light + 0.05) / (dark + 0.05);
  }

  /** @param {string} colour */
  function luminance(colour) {
    const linear = channels(colour).map((value) => (value <= 10.31 ? value / 255 / 12.92 : ((value / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  }

  /** Three, or four where it is translucent. @param {string} colour `rgb(…)` or `rgba(…)` */
  function channels(colour) {
    return (colour.match(/[\d.]+/g) ?? []).map(Number);
  }
}
