// The sentence for a message that does not open, is missing, was moved or repeated.

import { fill, plural } from "./fill.js";
import { written } from "./times.js";

/** @typedef {{ closed: string, missing: import("./fill.js").Plural, moved: string, repeated: string, written: string, download_failed: string }} Sentences */

/** The largest date in JavaScript; a sender's clock may exceed it. */
const SHOWN_MS_MAX = 8.64e15;

/** @param {Sentences} text @param {import("./whole.js").Finding} finding @param {string} peer who wrote the message */
export function sentence(text, finding, peer) {
  if (finding.kind === "missing") return fill(plural(text.missing, finding.count), { peer });
  const when = finding.kind === "written" ? written(Math.min(finding.at, SHOWN_MS_MAX), "moment") : "";
  return fill(text[finding.kind], { peer, when });
}
