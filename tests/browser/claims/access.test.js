// Every page and state, in both languages, with scripts and without, light and dark, narrow and wide: no fault of any weight.

import assert from "node:assert/strict";

import { faults } from "../harness/access.js";
import { claim, share } from "../harness/claim.js";
import { walk } from "../harness/gallery.js";
import { withoutScripts } from "../harness/look.js";

share();

const HEIGHT = 720;
const LOCALES = /** @type {const} */ ({ en: "en-GB", ar: "ar-EG" });

for (const language of /** @type {const} */ (["en", "ar"])) {
  for (const scripts of [true, false]) {
    const how = `${language === "en" ? "English" : "Arabic"}, ${scripts ? "with" : "without"} scripts`;
    claim(`no page has a fault that keeps somebody out: ${how}`, async ({ person }) => {
      /** @type {Set<string>} */
      const found = new Set();
      await walk({
        language,
        scripts,
        person: async () => {
          const one = await person({ locale: LOCALES[language], reducedMotion: "reduce" });
          if (!scripts) await withoutScripts(one.context);
          return one;
        },
        show: async (name, page) => {
          for (const colorScheme of /** @type {const} */ (["light", "dark"])) {
            await page.emulateMedia({ colorScheme });
            for (const width of [320, 1280]) {
              await page.setViewportSize({ width, height: HEIGHT });
              for (const fault of await faults(page)) found.add(`${name}, ${colorScheme}, ${width} px: ${fault}`);
            }
          }
        },
      });
      assert.ok(found.size === 0, [...found].join("\n"));
    });
  }
}
