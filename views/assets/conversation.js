// One encrypted conversation: opens what arrives, seals what is written, and says where messages are missing, repeated or moved.

import { sentence } from "./findings.js";
import { find, keep, leave, remove } from "./keyring.js";
import { showLinks } from "./links.js";
import { openAll } from "./opening.js";
import { digits, open, seal, unlock } from "./seal.js";
import { reader } from "./whole.js";

/** @typedef {import("./state.js").Message} Message */
/**
 * @typedef {object} Entry a message, as far as the others are checked against it
 * @property {Message} message as the server gave it
 * @property {number} seat
 * @property {import("./seal.js").Contents | null} contents
 * @property {import("./whole.js").Finding[]} findings
 * @property {HTMLElement} [item]
 */
/** @typedef {Message & { entry: Entry }} Opened its `message` is what to show */
/** @typedef {Awaited<ReturnType<typeof converse>>} Conversation or why there is none */

/** Drafts are sealed like messages, under an id that no message has. */
const DRAFT = "00000000-0000-0000-0000-000000000000";

/**
 * @param {import("./state.js").Config} config
 * @param {number} firstSeq where the page's part of the conversation begins
 * @param {string | null} wanted the hash of the chat that was asked for, where that is known
 */
export async function converse(config, firstSeq, wanted) {
  const { hash, text } = /** @type {NonNullable<typeof config.encryption>} */ (config.encryption);
  const { base, seat, you, expiresAt } = config;
  if (base !== location.pathname || !base.endsWith(`/${hash}/${seat}`) || (wanted ?? hash) !== hash) return "other";
  let link;
  try {
    link = await find(hash);
    if (!link) return "incomplete";
    if (!link.seats.includes(seat)) {
      // Told to sit in one seat, both people would seal with one key.
      if (link.seats.length && !link.entering) return "seat";
      link.seats.push(seat);
    }
    // Whoever comes from the form of this chat was let in, with the proof that this secret gives.
    link = await keep({ ...link, entering: false, proven: link.proven || wanted !== null, expiresAt });
  } catch {
    return "storage";
  }
  const { keys } = await unlock(hash, link.secret);
  const { secret } = link;
  await showLinks(document, secret);

  /** @type {Entry[]} in the server's order */
  let entries = [];
  /** @type {Set<string>} */
  const known = new Set();
  let whole = reader(firstSeq);
  let [session, number] = [newSession(), 0];
  let { proven } = link;

  /** @param {Message} message */
  const seatOf = ({ senderName }) => (senderName === you ? seat : 3 - seat);

  /** @param {Message[]} given @returns {Promise<Entry[]>} */
  async function read(given) {
    const messages = given.filter((one) => one instanceof Object);
    for (const message of messages) {
      known.add(`${message.id} ${message.seq}`);
      // What is no number or no time counts as none: the page reckons with both.
      if (!Number.isSafeInteger(message.seq)) message.seq = 0;
      if (!Number.isFinite(Date.parse(message.timestamp))) message.timestamp = new Date(0).toISOString();
    }
    const contents = await openAll(keys, seatOf, messages);
    if (!proven && contents.some(Boolean)) {
      proven = true;
      const kept = await find(hash);
      if (kept) await keep({ ...kept, proven });
    }
    return messages.map((message, at) => ({ message, seat: seatOf(message), contents: contents[at], findings: [] }));
  }

  /** @param {Entry} entry */
  function check(entry) {
    const { message, contents } = entry;
    entry.findings = contents ? whole.check(entry.seat, message.id, contents, Date.parse(message.timestamp)) : [];
    if (!contents) whole.skip(message.id);
  }

  /** @param {Entry} entry */
  const isRepeated = ({ findings }) => findings.some(({ kind }) => kind === "repeated");

  /** @param {Entry} entry @returns {Opened} */
  function show(entry) {
    const { contents, message } = entry;
    const words = contents ? (isRepeated(entry) ? text.repeated : contents.text) : text.closed;
    return { ...message, message: words, entry };
  }

  return {
    /** Messages behind all that were opened before, ascending. @param {Message[]} messages @returns {Promise<Opened[]>} */
    async open(messages) {
      const read_ = await read(messages);
      for (const entry of read_) check(entry);
      entries.push(...read_);
      return read_.map(show);
    },
    /** Whether a message was opened here, at the same `seq`. @param {Message} message */
    knows: ({ id, seq }) => known.has(`${id} ${seq}`),
    /**
     * Messages ahead of them, ascending: what is known of the later ones may change with them.
     * @param {Message[]} messages @param {boolean} more whether there are others ahead of these @returns {Promise<Opened[]>}
     */
    async openOlder(messages, more) {
      const read_ = await read(messages);
      entries = [...read_, ...entries];
      whole = reader(more ? (entries[0]?.message.seq ?? 1) : 1);
      for (const entry of entries) {
        const before = entry.findings;
        check(entry);
        if (entry.item && before.length + entry.findings.length) {
          if (isRepeated(entry)) /** @type {Element} */ (entry.item.querySelector(".text")).textContent = text.repeated;
          this.dress(entry.item, show(entry));
        }
      }
      return read_.map(show);
    },
    /** Says beside a message what is wrong with it. @param {HTMLElement} item @param {Message | Opened} message */
    dress(item, message) {
      if (!("entry" in message)) return;
      const { entry } = message;
      entry.item = item;
      for (const old of item.querySelectorAll(".note")) old.remove();
      const isClosed = !entry.contents || isRepeated(entry);
      const place = /** @type {HTMLElement} */ (item.querySelector(".text"));
      item.classList.toggle("closed", isClosed && place.textContent === message.message);
      const notes = isClosed ? [message.message] : entry.findings.map((finding) => sentence(text, finding, message.senderName));
      for (const words of notes) {
        if (item.matches(".closed")) break;
        const note = document.createElement("p");
        note.className = "note";
        note.textContent = words;
        place.parentElement?.before(note);
      }
    },
    /** In the order of what is written. @param {string} id @param {string} words */
    seal(id, words) {
      const last = entries.findLast(({ contents }) => contents)?.message.id ?? null;
      return seal(keys, seat, id, { session, number: ++number, after: last, writtenAt: Date.now(), text: words });
    },
    /** A text that was sealed here. @param {string} id @param {string} sealed */
    read: async (id, sealed) => (await open(keys, seat, id, sealed))?.text ?? text.closed,
    /** From here on no message is missed that was sealed and not sent. */
    renew() {
      [session, number] = [newSession(), 0];
    },
    /** In parts, since it may be longer than a message can be; null where there is nothing to keep. @param {string} words */
    async sealDraft(words) {
      const parts = words.match(/[^]{1,4096}/gu);
      const sealed = parts?.map((text) => seal(keys, seat, DRAFT, { session, number: 1, after: null, writtenAt: 0, text }));
      return sealed ? (await Promise.all(sealed)).join(" ") : null;
    },
    /** @param {string | null} sealed */
    async readDraft(sealed) {
      const parts = await Promise.all((sealed ?? "").split(" ").map((part) => open(keys, seat, DRAFT, part)));
      return parts.map((part) => part?.text).join("");
    },
    /** @param {string} href of the server's file, which is sealed */
    download: async (href) => (await import("./save.js")).download(href, { keys, seat, you, text }),
    /** The link is deleted with the last seat of its chat in this browser, or at once when the chat is over. @param {boolean} isOver */
    forget: (isOver) => (isOver ? remove(hash) : leave(hash, seat)),
  };
}

const newSession = () => digits(crypto.getRandomValues(new Uint8Array(8)));
