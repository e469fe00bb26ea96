// Sentences with places for names and numbers.

/**
 * Values stand between isolates, so that a name in another script does not turn its sentence around.
 * @param {string} template @param {Record<string, string>} values
 */
export function fill(template, values) {
  return template.replace(/\{(\w+)\}/g, (_, key) => `\u2068${values[key]}\u2069`);
}
