// Fills the placeholders of sentences with names and numbers.

/** The language of the sentences. A browser that translates the page gives it another one. */
const { lang } = document.documentElement;

/** @typedef {Partial<Record<Intl.LDMLPluralRule, string>> & { other: string }} Plural */

/**
 * Values stand between isolates, so that a name in another script does not turn its sentence around.
 * @param {string} template @param {Record<string, string>} values
 */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, key) => `\u2068${values[key]}\u2069`);
}

/** In the form that the language has for the number. @param {Plural} forms @param {number} n */
export function plural(forms, n) {
  return (forms[new Intl.PluralRules(lang).select(n)] ?? forms.other).replace("{n}", n.toLocaleString(lang, { numberingSystem: "latn" }));
}
