// Runs every claim, several files at a time.

import { readdirSync } from "node:fs";
import { availableParallelism } from "node:os";
import { run } from "node:test";
import { spec, tap } from "node:test/reporters";
import { fileURLToPath } from "node:url";

/** They wait longest: begun last, they would keep everybody waiting when all others are done. */
const FIRST = ["tabs", "stalled", "access_with_scripts", "access_encrypted", "access_without_scripts", "crowd", "encrypted", "outage"];

/** @param {string} folder @param {RegExp} names */
const filesOf = (folder, names) => {
  const path = fileURLToPath(new URL(folder, import.meta.url));
  return readdirSync(path).filter((name) => names.test(name)).map((name) => `${path}/${name}`);
};

/** @param {string} file */
const place = (file) => {
  const at = FIRST.findIndex((name) => file.endsWith(`/${name}.test.js`));
  return at < 0 ? FIRST.length : at;
};

const files = [...filesOf("claims", /\.test\.js$/), ...filesOf("../../views/tests", /\.test\.mjs$/)];
files.sort((one, two) => place(one) - place(two) || (one < two ? -1 : 1));
const told = run({ files, concurrency: availableParallelism() + 1 });
told.on("test:fail", () => (process.exitCode = 1));
told.compose(process.stdout.isTTY ? new spec() : tap).pipe(process.stdout);
