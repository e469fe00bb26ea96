/**
 * Runs all functions. If one fails, for example because the browser lacks or forbids an API, the error is reported and the others still run.
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
