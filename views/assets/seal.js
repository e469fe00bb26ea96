// The cryptography of encrypted chats, by WebCrypto alone: docs/encryption.md is the format and says why it is so. The other
// implementation is src/encryption.rs; both check docs/encryption/vectors.json. Keys are CryptoKeys that cannot be exported.

/** @typedef {{ seats: { [seat: number]: CryptoKey }, digest: Uint8Array<ArrayBuffer> }} Keys what a browser may keep */
/**
 * @typedef {object} Contents
 * @property {string} session 16 hexadecimal digits, drawn by the sender's page when it starts
 * @property {number} number 1, 2, 3 … within the session
 * @property {string | null} after the last message that the sender had opened
 * @property {number} writtenAt Unix milliseconds
 * @property {string} text
 */

const VERSION = "duet/v1";
const PREFIX = "v1.";
const SALT_BYTES = 16;
const HEAD_BYTES = 38;
/** An id in another spelling does not open: a message would be shown again under each. */
const ID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const SIZES = [64, 256, 1024, 4096, 17408];
/** As in a plain chat. */
export const TEXT_BYTES_MAX = 16384;

const utf8 = new TextEncoder();
const strict = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @param {Uint8Array} bytes */
export function encode(bytes) {
  let binary = "";
  for (const byte of bytes) binary += String.fromCharCode(byte);
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}

/** Decodes canonical base64url; null for anything else. @param {string} text */
export function decode(text) {
  if (!/^[\w-]*$/.test(text) || text.length % 4 === 1) return null;
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0));
  return encode(bytes) === text ? bytes : null;
}

/** The secret of a link's fragment, with or without its #; null when it is none. @param {string} fragment */
export function secretOf(fragment) {
  const secret = decode(fragment.match(/^#?v1\.([\w-]{43})$/)?.[1] ?? "");
  return secret?.length === 32 ? secret : null;
}

/** @param {string} text */
const sha256 = async (text) => new Uint8Array(await crypto.subtle.digest("SHA-256", utf8.encode(text)));

/** @param {Uint8Array<ArrayBuffer>} bytes */
const hkdfKey = (bytes) => crypto.subtle.importKey("raw", bytes, "HKDF", false, ["deriveBits", "deriveKey"]);

/** @param {Uint8Array<ArrayBuffer>} salt @param {string} info */
const hkdf = (salt, info) => ({ name: "HKDF", hash: "SHA-256", salt, info: utf8.encode(info) });

/** @param {CryptoKey} key @param {Uint8Array<ArrayBuffer>} salt @param {string} info @param {number} bytes */
async function derive(key, salt, info, bytes) {
  return new Uint8Array(await crypto.subtle.deriveBits(hkdf(salt, info), key, 8 * bytes));
}

/**
 * The keys of a link, and the proof of having it, which goes to the server.
 * @param {string} hash
 * @param {Uint8Array<ArrayBuffer>} secret
 * @returns {Promise<{ auth: string, keys: Keys }>}
 */
export async function unlock(hash, secret) {
  const [prk, salt, digest] = await Promise.all([hkdfKey(secret), sha256(VERSION + hash), sha256(hash)]);
  const seat = async (/** @type {number} */ number) => {
    const bytes = await derive(prk, salt, `seat ${number}`, 32);
    const key = await hkdfKey(bytes);
    bytes.fill(0);
    return key;
  };
  const [auth, one, two] = await Promise.all([derive(prk, salt, "auth", 32), seat(1), seat(2)]);
  return { auth: encode(auth), keys: { seats: { 1: one, 2: two }, digest } };
}

/** A key for one text alone. @param {Keys} keys @param {number} seat @param {string} id @param {Uint8Array<ArrayBuffer>} salt */
async function cipher({ seats, digest }, seat, id, salt) {
  const use = { name: "AES-GCM", length: 256 };
  const [key, iv] = await Promise.all([
    crypto.subtle.deriveKey(hkdf(salt, "key"), seats[seat], use, false, ["encrypt", "decrypt"]),
    derive(seats[seat], salt, "nonce", 12),
  ]);
  const additionalData = new Uint8Array([...utf8.encode(VERSION), ...digest, seat, ...hex(id)]);
  return { key, how: { name: "AES-GCM", iv, additionalData } };
}

/** The bytes of a UUID, or of other hexadecimal digits. @param {string} digits */
const hex = (digits) => /** @type {string[]} */ (digits.match(/\w\w/g)).map((two) => parseInt(two, 16));

/** In hexadecimal. @param {Uint8Array} bytes */
export function digits(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** @param {number} bytes */
const padded = (bytes) => SIZES.find((size) => size >= HEAD_BYTES + bytes) ?? 0;

/**
 * @param {Keys} keys
 * @param {number} seat
 * @param {string} id
 * @param {Contents} contents its text has 1 to TEXT_BYTES_MAX bytes
 * @param {Uint8Array<ArrayBuffer>} [salt] never used twice; the vectors give theirs
 */
export async function seal(keys, seat, id, contents, salt = crypto.getRandomValues(new Uint8Array(SALT_BYTES))) {
  const text = utf8.encode(contents.text);
  if (!text.length || text.length > TEXT_BYTES_MAX) throw new RangeError();
  const plain = new Uint8Array(padded(text.length));
  const head = new DataView(plain.buffer);
  plain.set(hex(contents.session), 0);
  head.setUint32(8, contents.number);
  if (contents.after) plain.set(hex(contents.after), 12);
  head.setBigUint64(28, BigInt(contents.writtenAt));
  head.setUint16(36, text.length);
  plain.set(text, HEAD_BYTES);
  const { key, how } = await cipher(keys, seat, id, salt);
  const sealed = new Uint8Array(await crypto.subtle.encrypt(how, key, plain));
  return PREFIX + encode(new Uint8Array([...salt, ...sealed]));
}

/**
 * What a sealed text says; null when it does not open, for whatever reason: nothing of it is to be shown then.
 * @param {Keys} keys
 * @param {number} seat
 * @param {string} id
 * @param {string} sealed
 * @returns {Promise<Contents | null>}
 */
export async function open(keys, seat, id, sealed) {
  try {
    const bytes = ID.test(id) && sealed.startsWith(PREFIX) ? decode(sealed.slice(PREFIX.length)) : null;
    if (!bytes || bytes.length < SALT_BYTES) return null;
    const { key, how } = await cipher(keys, seat, id, bytes.slice(0, SALT_BYTES));
    return read(new Uint8Array(await crypto.subtle.decrypt(how, key, bytes.subarray(SALT_BYTES))));
  } catch {
    // A changed text is an OperationError; one that is not UTF-8, or what is no text at all, a TypeError.
    return null;
  }
}

/** @param {Uint8Array<ArrayBuffer>} plain @returns {Contents | null} */
function read(plain) {
  if (plain.length < HEAD_BYTES) return null;
  const head = new DataView(plain.buffer);
  const [number, writtenAt, length] = [head.getUint32(8), Number(head.getBigUint64(28)), head.getUint16(36)];
  const end = HEAD_BYTES + length;
  if (!number || !length || length > TEXT_BYTES_MAX || plain.length !== padded(length)) return null;
  if (!Number.isSafeInteger(writtenAt) || plain.subarray(end).some((byte) => byte)) return null;
  const after = digits(plain.subarray(12, 28)).replace(/(.{8})(.{4})(.{4})(.{4})(.{12})/, "$1-$2-$3-$4-$5");
  return {
    session: digits(plain.subarray(0, 8)),
    number,
    after: /[1-9a-f]/.test(after) ? after : null,
    writtenAt,
    text: strict.decode(plain.subarray(HEAD_BYTES, end)),
  };
}
