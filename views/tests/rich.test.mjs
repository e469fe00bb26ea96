// The cases of rich.json against the script: `node --test views/tests/`. The server's side of them is in src/rich.rs.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const source = readFileSync(new URL("../assets/rich.js", import.meta.url), "utf8");
const { pieces, onlyEmoji } = await import(`data:text/javascript,${encodeURIComponent(source)}`);
const cases = JSON.parse(readFileSync(new URL("rich.json", import.meta.url), "utf8"));

for (const { text, pieces: expected, big = false } of cases) {
  test(`the script cuts ${JSON.stringify(text)} like the server`, () => {
    assert.deepEqual(pieces(text), expected);
    assert.equal(onlyEmoji(text), big);
  });
}
