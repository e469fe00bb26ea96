// What the stations of the walk have in common.

/** @typedef {import("../person.js").Person} Person */
/** @typedef {import("playwright-core").Page} Page */
/** @typedef {(name: string, page: Page) => Promise<void>} Show what to do at every station */

/**
 * @typedef {object} Walk
 * @property {() => Promise<Person>} person somebody new, in the language and with or without scripts as asked for
 * @property {keyof typeof import("../samples.js").people} language
 * @property {boolean} scripts
 * @property {Show} show
 * @property {import("../relay.js").Relay} [relay] between the browsers and the server, where lies are walked through
 */

/** Who sits where, and the addresses of seat 1 and of the link. @typedef {{ abhi: Person, anny: Person, chat: string, link: string }} At */

/** By their place in the form, since the words differ. @param {Page} page @param {Record<string, string>} fields */
export async function submit(page, fields) {
  for (const [id, value] of Object.entries(fields)) await page.locator(`#${id}`).fill(value);
  const form = page.locator("form", { has: page.locator(`#${Object.keys(fields)[0]}`) });
  await Promise.all([page.waitForEvent("domcontentloaded"), form.locator("button:not([type=button])").first().click()]);
}

/** A form that stands in a menu or says nothing but its button. @param {Page} page @param {string} leaf the end of its address */
export const press = (page, leaf) =>
  Promise.all([
    page.waitForEvent("domcontentloaded"),
    page.locator(`form[action$="/${leaf}"]`).first().evaluate((form) => /** @type {HTMLFormElement} */ (form).submit()),
  ]);
