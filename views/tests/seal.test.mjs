// The page's cryptography against the vectors that the Rust implementation checks as well.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { decode, encode, open, seal, secretOf, unlock } from "../assets/seal.js";
import { reader } from "../assets/whole.js";

const vectors = JSON.parse(readFileSync(new URL("../../docs/encryption/vectors.json", import.meta.url), "utf8"));
const hex = (/** @type {ArrayBuffer} */ bytes) => Buffer.from(bytes).toString("hex");

/** @typedef {{ hash: string, fragment: string, auth: string }} Link of the vectors */

/** The secret of a fragment that holds one. @param {string} fragment */
function known(fragment) {
  const secret = secretOf(fragment);
  assert.ok(secret, fragment);
  return secret;
}

/** @type {Link[]} */
const links = vectors.links;
const unlocked = await Promise.all(links.map(({ hash, fragment }) => unlock(hash, known(fragment))));

test("a link's proof is that of the vectors", () => {
  assert.deepEqual(
    unlocked.map(({ auth }) => auth),
    links.map(({ auth }) => auth),
  );
});

test("texts are sealed and opened as in the vectors", async () => {
  assert.ok(vectors.texts.length);
  for (const { link, seat, id, salt, sealed, sealedSha256, textOf, ...rest } of vectors.texts) {
    const { session, number, after, writtenAt } = rest;
    const contents = { session, number, after, writtenAt, text: rest.text ?? textOf.repeat.repeat(textOf.times) };
    const { keys } = unlocked[link];
    const made = await seal(keys, seat, id, contents, Uint8Array.from(Buffer.from(salt, "hex")));
    if (sealed) assert.equal(made, sealed);
    if (sealedSha256) assert.equal(hex(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(made))), sealedSha256);
    assert.deepEqual(await open(keys, seat, id, made), contents);
  }
});

test("what the vectors refuse does not open", async () => {
  assert.ok(vectors.refused.length);
  for (const { why, link, seat, id, sealed } of vectors.refused) {
    assert.equal(await open(unlocked[link].keys, seat, id, sealed), null, why);
  }
});

test("a text opens under one spelling of its id", async () => {
  const { link, seat, id, sealed } = vectors.texts[0];
  const { keys } = unlocked[link];
  assert.ok(await open(keys, seat, id, sealed));
  const digits = id.replaceAll("-", "");
  for (const other of [id.toUpperCase(), digits, `${digits.slice(0, 4)}-${digits.slice(4)}`, `{${id}}`, `${id}\n`]) {
    assert.equal(await open(keys, seat, other, sealed), null, other);
  }
});

test("the same text sealed twice is two ciphertexts of one length", async () => {
  const contents = { session: "0000000000000001", number: 1, after: null, writtenAt: 0, text: "Hello" };
  const [{ keys }] = unlocked;
  const once = await seal(keys, 1, vectors.texts[0].id, contents);
  const twice = await seal(keys, 1, vectors.texts[0].id, { ...contents, text: "Hello, and goodbye" });
  assert.notEqual(once, twice);
  assert.equal(once.length, twice.length);
});

test("empty texts and those over 16 KiB are not sealed", async () => {
  const contents = { session: "0000000000000001", number: 1, after: null, writtenAt: 0 };
  for (const text of ["", "é".repeat(8193)]) {
    await assert.rejects(seal(unlocked[0].keys, 1, vectors.texts[0].id, { ...contents, text }), RangeError);
  }
});

test("keys cannot be taken out of the browser", async () => {
  for (const key of Object.values(unlocked[0].keys.seats)) {
    assert.equal(key.extractable, false);
    await assert.rejects(crypto.subtle.exportKey("raw", key));
  }
});

test("a fragment is read whole or not at all, and base64url in one spelling", () => {
  const secret = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
  assert.equal(encode(known(`#v1.${secret}`)), secret);
  for (const bad of ["", "#", secret, `#v2.${secret}`, `#v1.${secret}A`, `#v1.${secret.slice(1)}`, `#v1.${secret.slice(0, -1)}9`]) {
    assert.equal(secretOf(bad), null, bad);
  }
  for (const bad of ["A", "AB", "A+", "AA=", "AA ="]) assert.equal(decode(bad), null, bad);
  assert.deepEqual([...(decode("_-A") ?? [])], [255, 224]);
});

test("a conversation is whole, or what is wrong with it is told where it is", () => {
  assert.ok(vectors.conversations.length);
  const told = (/** @type {import("../assets/whole.js").Finding} */ finding) => Object.values(finding).join(" ");
  for (const { why, firstSeq, messages } of vectors.conversations) {
    const { skip, check } = reader(firstSeq);
    for (const { seat, id, opens = true, at, findings, ...contents } of messages) {
      if (opens) assert.deepEqual(check(seat, id, contents, at).map(told), findings, why);
      else skip(id);
    }
  }
});
