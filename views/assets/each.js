/**
 * Runs all of them. One that fails, as where a browser does not have or forbids what it needs, is reported and stops no other.
 * @param {Iterable<(given: any) => unknown>} functions @param {any} [given]
 */
export function runEach(functions, given) {
  for (const run of functions) {
    try {
      run(given);
    } catch (error) {
      reportError(error);
    }
  }
}
