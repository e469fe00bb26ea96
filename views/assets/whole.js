// Whether an encrypted conversation is whole: nothing missing, repeated or moved. The rules are those of docs/encryption.md, and
// src/encryption/history.rs has them as well; both check the conversations in docs/encryption/vectors.json.

/** @typedef {import("./seal.js").Contents} Contents */
/**
 * @typedef {{ kind: "missing", count: number } | { kind: "moved" | "repeated" } | { kind: "written", at: number }} Finding
 * `missing`: so many messages of this sender before this one. `moved`: what the sender had read when writing it is not there, or
 * not before it. `repeated`: it stood here before. `written`: at this time, by its sender's clock; the server says otherwise.
 */

/** How far the server's time may differ from the writer's clock before that is reported. */
const CLOCKS_APART_MS = 300_000;

/**
 * Looks at opened messages in the order in which the server gives them. What is referred to before the part at hand is not missed.
 * @param {number} firstSeq where the part begins; 1 is the beginning of the chat
 */
export function reader(firstSeq) {
  const fromStart = firstSeq <= 1;
  /** @type {Set<string>} */
  const seen = new Set();
  /** @type {Set<string>} */
  const known = new Set();
  /** @type {Map<string, number>} */
  const numbers = new Map();
  return {
    /** Records a message that does not open, so that those who had read it are not reported. @param {string} id */
    skip(id) {
      known.add(id);
    },
    /** @param {number} seat @param {string} id @param {Contents} contents @param {number} at the server's time @returns {Finding[]} */
    check(seat, id, { session, number, after, writtenAt }, at) {
      if (seen.has(`${seat} ${id}`)) return [{ kind: "repeated" }];
      seen.add(`${seat} ${id}`);
      /** @type {Finding[]} */
      const findings = [];
      const key = `${seat} ${session}`;
      const last = numbers.get(key) ?? (fromStart ? 0 : number - 1);
      if (number <= last) findings.push({ kind: "moved" });
      else if (number > last + 1) findings.push({ kind: "missing", count: number - last - 1 });
      else if (fromStart && after && !known.has(after)) findings.push({ kind: "moved" });
      numbers.set(key, Math.max(last, number));
      known.add(id);
      // An invalid time never matches the writer's.
      if (!(Math.abs(at - writtenAt) <= CLOCKS_APART_MS)) findings.push({ kind: "written", at: writtenAt });
      return findings;
    },
  };
}
