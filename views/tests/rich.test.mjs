// The cases of rich.json against the script: `node --test views/tests/`. The server's side of them is in src/rich/tests.rs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { Session } from "node:inspector/promises";
import { test } from "node:test";

// The engine counts how often each stretch of the script runs: work, whatever else the machine is doing. From before it is loaded.
const session = new Session();
session.connect();
await session.post("Profiler.enable");
await session.post("Profiler.startPreciseCoverage", { callCount: true, detailed: true });

const source = readFileSync(new URL("../assets/rich.js", import.meta.url), "utf8");
const { pieces, onlyEmoji, shown } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const cases = JSON.parse(readFileSync(new URL("rich.json", import.meta.url), "utf8"));

for (const { text, pieces: expected, big = false, shown: left = text } of cases) {
  test(`the script cuts ${JSON.stringify(text)} like the server`, () => {
    assert.deepEqual(pieces(text), expected);
    assert.equal(onlyEmoji(text), big);
    assert.equal(shown(text), left);
  });
}

test("a link ends at two kibibytes", () => {
  const link = (/** @type {number} */ bytes) => `https://a.org/${"x".repeat(bytes - 14)}`;
  assert.deepEqual(pieces(link(2048)), [["link", link(2048)]]);
  assert.deepEqual(pieces(link(2049)), [["text", link(2049)]]);
});

/** What a stranger may write to make the page slow: one of these again and again, behind one of those. */
const UNITS = [
  ..."()[]`_*~@.-%+<'\"& \n",
  ..."aéＡ好。،—…",
  ...["()", "[](", "``", "```", "````", "``` ", "`\n", "a@", "a@a", "a@a.", "a@b.org", "..", "a.", "-.", ".org", "a.org", "a.org/"],
  ...["www.", "www.a.", "http://", "http://a", "https://a.org/(", "a://", "_://", "a@a://", "a.org:8", "hhttp://", "http", "://", "http://a.org,", "http://a.org。", "http://a "],
  ...["👨\u200d", "👨\u200d👩", "🏽", "\u200d", "\ufe0f", "\u0301", "\u20e3", "🇩", "\u202e"],
];
const PREFIXES = ["", "http://a", "www.a.org/", "a.org?", "`", "```", "a@a.org", "🙂"];

/** How often the parts of the script may run for a character, at the very most: more would be more than linear. */
const STEPS_MAX = 24;

test("hostile texts cost no more than their length", async () => {
  const cost = async (/** @type {string} */ text) => {
    await session.post("Profiler.takePreciseCoverage");
    pieces(text);
    onlyEmoji(text);
    const { result } = await session.post("Profiler.takePreciseCoverage");
    const [script] = result.filter(({ url }) => url.startsWith("data:text/javascript"));
    return script.functions.flatMap(({ ranges }) => ranges).reduce((sum, { count }) => sum + count, 0);
  };
  let worst = 0;
  for (const prefix of PREFIXES) {
    for (const unit of UNITS) {
      for (const length of [4096, 8192, 16384]) {
        const steps = await cost(prefix + unit.repeat(length / unit.length));
        worst = Math.max(worst, steps / length);
        const told = `${JSON.stringify(prefix)} and ${JSON.stringify(unit)} again and again: ${steps} steps for ${length} characters`;
        assert.ok(steps <= STEPS_MAX * length, told);
      }
    }
  }
  console.log(`at most ${worst.toFixed(1)} steps for a character`);
  session.disconnect();
});
