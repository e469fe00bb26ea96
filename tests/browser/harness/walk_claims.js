// The claim that every page and state, light and dark, narrow and wide, keeps nobody out.

import assert from "node:assert/strict";

import { faults } from "./access.js";
import { claim } from "./claim.js";
import { walk } from "./gallery.js";
import { locales } from "./samples.js";

const WIDTHS_PX = [320, 1280];
const HEIGHT_PX = 720;

/** @param {keyof typeof locales} language @param {boolean} scripts */
export function claimAccess(language, scripts) {
  claim(`no page has a fault that keeps somebody out: ${locales[language]}, ${scripts ? "with" : "without"} scripts`, async ({ person }) => {
    /** @type {string[]} */
    const found = [];
    await walk({
      language,
      scripts,
      person: () => person({ locale: locales[language], reducedMotion: "reduce", javaScriptEnabled: scripts }),
      show: async (name, page) => {
        for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
          await page.emulateMedia({ colorScheme });
          for (const width of WIDTHS_PX) {
            await page.setViewportSize({ width, height: HEIGHT_PX });
            const wrong = await faults(page, { coloursOnly: colorScheme === "dark" });
            for (const fault of wrong) found.push(`${name}, ${colorScheme}, ${width} px: ${fault}`);
          }
        }
      },
    });
    assert.ok(found.length === 0, found.join("\n"));
  });
}
