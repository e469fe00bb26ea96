// The chat page. Everything on it works as forms; from here on it does so without leaving the page.

import { call } from "./api.js";
import { expected, mayHoldKeys } from "./arrival.js";
import { start as attention } from "./attention.js";
import { start as banner } from "./banner.js";
import { start as composer } from "./composer.js";
import { runEach } from "./each.js";
import { start as expiry } from "./expiry.js";
import { start as leave } from "./leave.js";
import { start as log } from "./log.js";
import { start as menu } from "./menu.js";
import { start as outbox } from "./outbox.js";
import { start as phone } from "./phone.js";
import { start as presence } from "./presence.js";
import { release } from "./presses.js";
import { start as receipts } from "./receipts.js";
import { begin, isSealed, refuse } from "./sealed.js";
import { config } from "./state.js";
import { ofTab } from "./storage.js";
import { start as stream } from "./stream.js";
import { start as strips } from "./strips.js";

const always = [phone, menu, leave];
// A page of an older stretch is for reading.
const live = [log, presence, banner, strips, attention, expiry, receipts, composer, outbox, stream];
const LATER = isSealed ? ["asks.js", "chime.js", "save.js"] : ["asks.js", "chime.js"];
const LATER_MS = 60_000;

/** @param {boolean} isLive */
function start(isLive) {
  runEach(isLive ? [...always, ...live] : always);
  document.documentElement.dataset.live = "";
  // Without its script the link to older messages leads to a page of them.
  if (isLive && document.getElementById("older")) void import("./older.js").then(({ start }) => start(), () => {});
}

/**
 * Puts the scripts that may be wanted later into the browser's cache, since an upgraded server no longer has those of this page. Not at
 * once: a first visit is to be light.
 */
function keepScripts() {
  setTimeout(() => Promise.all(LATER.map((name) => fetch(new URL(name, import.meta.url)))).catch(keepScripts), LATER_MS);
}

// On the way here: typed.js.
ofTab.remove("duet:typed");

const wanted = expected();
if (isSealed) void begin(wanted).then((begun) => (start(config.live && begun), release()));
else if (wanted !== null) refuse("downgraded");
else {
  start(config.live);
  // A server without the key of an encrypted chat may say that the chat is plain.
  void mayHoldKeys().then(async (may) => may && (await (await import("./vault.js")).holds()) && refuse("downgraded"));
}

keepScripts();

// Without a stream it has to ask whether the chat still exists.
if (!config.live) document.addEventListener("visibilitychange", () => document.hidden || void call("sessions"));
