// Many pictures on one, by name: a glance instead of a hundred.

import { mkdir, readFile, readdir } from "node:fs/promises";

export const PER_SHEET = { phone: 12, desktop: 6, small: 12, turned: 8 };
const WIDTH_PX = { phone: 300, desktop: 620, small: 300, turned: 460 };

/** @param {import("playwright-core").Browser} browser @param {string} root @param {string[]} folders */
export async function sheets(browser, root, folders) {
  await mkdir(`${root}sheets`, { recursive: true });
  const page = await browser.newPage({ viewport: { width: 1920, height: 1080 } });
  for (const folder of folders) {
    const files = (await readdir(`${root}${folder}`)).sort();
    for (const screen of /** @type {(keyof typeof PER_SHEET)[]} */ (Object.keys(PER_SHEET))) {
      for (const colours of ["light", "dark"]) {
        const names = files.filter((file) => file.endsWith(`.${screen}.${colours}.png`));
        for (let from = 0; from < names.length; from += PER_SHEET[screen]) {
          const some = names.slice(from, from + PER_SHEET[screen]);
          const figures = await Promise.all(some.map((name) => figure(`${root}${folder}/${name}`, name, WIDTH_PX[screen])));
          await page.setContent(`<body style="margin:8px;display:flex;flex-wrap:wrap;gap:8px;background:#888;font:14px sans-serif">${figures.join("")}`);
          const number = 1 + from / PER_SHEET[screen];
          await page.screenshot({ path: `${root}sheets/${folder}-${screen}-${colours}-${number}.png`, fullPage: true });
        }
      }
    }
  }
  await page.close();
}

/** @param {string} path @param {string} name @param {number} width */
async function figure(path, name, width) {
  const picture = (await readFile(path)).toString("base64");
  return `<figure style="margin:0;width:${width}px"><figcaption>${name}</figcaption><img style="width:100%" src="data:image/png;base64,${picture}"></figure>`;
}
