// The claim that every page and state, light and dark, narrow and wide, keeps nobody out.

import assert from "node:assert/strict";

import { faults } from "./access.js";
import { claim } from "./claim.js";
import { walk } from "./gallery.js";
import { locales } from "./samples.js";

const WALK_MS = 1_200_000;
/** Where all rules are checked, and where what depends on the room alone is. */
const SIZES = [
  { width: 320, height: 720 },
  { width: 1280, height: 720 },
];
const SMALL = [
  { width: 320, height: 568 },
  { width: 568, height: 320 },
];

/**
 * @param {keyof typeof locales} language @param {boolean} scripts
 * @param {{ what?: string, through?: (asked: import("./gallery/steps.js").Walk) => Promise<void> }} [where]
 */
export function claimAccess(language, scripts, { what = "page", through = walk } = {}) {
  claim(`no ${what} has a fault that keeps somebody out: ${locales[language]}, ${scripts ? "with" : "without"} scripts`, async ({ person, relay }) => {
    /** @type {string[]} */
    const found = [];
    await through({
      language,
      scripts,
      relay,
      person: () => person({ locale: locales[language], reducedMotion: "reduce", javaScriptEnabled: scripts }),
      show: async (name, page) => {
        for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
          await page.emulateMedia({ colorScheme });
          for (const size of SIZES) {
            await page.setViewportSize(size);
            const wrong = await faults(page, { rules: colorScheme === "dark" ? "colours" : "all" });
            for (const fault of wrong) found.push(`${name}, ${colorScheme}, ${size.width} px: ${fault}`);
          }
        }
        for (const size of SMALL) {
          await page.setViewportSize(size);
          for (const fault of await faults(page, { rules: "none" })) found.push(`${name}, ${size.width} by ${size.height} px: ${fault}`);
        }
        await page.setViewportSize(SIZES[1]);
        // Whoever looks at dark colours prints all the same.
        await page.emulateMedia({ media: "print" });
        for (const fault of await faults(page, { rules: "colours" })) found.push(`${name}, printed: ${fault}`);
        await page.emulateMedia({ media: null });
      },
    });
    assert.ok(found.length === 0, found.join("\n"));
  }, WALK_MS);
}
