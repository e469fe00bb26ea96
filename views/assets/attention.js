// For a hidden tab: the unread count in the title, and notifications and sound if switched on.

import { fill } from "./fill.js";
import { peerName, text } from "./say.js";
import { byId, config, on, state } from "./state.js";
import { ofBrowser } from "./storage.js";
import { strip } from "./strips.js";
import { isLeading, isLookedAt } from "./tabs.js";

const { title } = document;
/** Behind the name. */
const rest = title.split(" · ").pop();
const KEYS = { notifications: "duet:notify", sound: "duet:sound" };

/** A permission can be taken back. @param {string} key */
const isOn = (key) => ofBrowser.get(key) === "on" && (key !== KEYS.notifications || window.Notification?.permission === "granted");

export function start() {
  on("unread", count);
  on("peer", count);
  on("messages", arrive);
  toggle("notifications", allow);
  toggle("sound", async () => {
    void chime();
    return true;
  });
  // The switches may be changed in another tab.
  addEventListener("storage", show);
  show();
  // It was switched on before this page was loaded.
  for (const press of ["click", "keydown"]) addEventListener(press, () => isOn(KEYS.sound) && wake().suspend(), { once: true });
  count();
}

function count() {
  const name = state.peer ? `${state.peer} · ${rest}` : title;
  document.title = state.unread.size ? `(${state.unread.size}) ${name}` : name;
}

/** @param {keyof typeof KEYS} id @param {() => Promise<boolean>} onAsked */
function toggle(id, onAsked) {
  byId(id).addEventListener("click", async () => {
    if (isOn(KEYS[id])) ofBrowser.remove(KEYS[id]);
    else if (await onAsked()) ofBrowser.set(KEYS[id], "on");
    show();
  });
}

/** The switches, as they are. */
function show() {
  for (const [id, key] of Object.entries(KEYS)) byId(id).setAttribute("aria-pressed", String(isOn(key)));
}

async function allow() {
  const allowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
  if (!allowed) {
    strip(text.notifications_blocked);
    // On a phone it lies over the line.
    const menu = /** @type {HTMLDetailsElement} */ (byId("menu"));
    menu.open = false;
    menu.querySelector("summary")?.focus();
  }
  return allowed;
}

/** @param {{ senderName: string }[]} messages */
async function arrive(messages) {
  const theirs = messages.some(({ senderName }) => senderName !== config.you);
  if (!theirs || !isLeading() || (await isLookedAt())) return;
  if (isOn(KEYS.sound)) void chime();
  if (!isOn(KEYS.notifications)) return;
  try {
    // Without the text: others may see a notification, and systems keep a history of them.
    const shown = new Notification(fill("{peer}", { peer: peerName() }), { body: text.notification, tag: config.base });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Some phones allow notifications only from service workers, although they grant the permission.
    ofBrowser.remove(KEYS.notifications);
    show();
    strip(text.notifications_blocked);
  }
}

/** @type {AudioContext | undefined} */
let audio;

/** A page may sound when somebody has pressed something on it; in some browsers only what was asked for during a press. */
function wake() {
  audio ??= new AudioContext();
  void audio.resume();
  return audio;
}

async function chime() {
  try {
    const audio = wake();
    await (await import("./chime.js")).chime(audio);
  } catch {
    // Without its script, as on a dead line, there is no sound, and nothing else is lost.
  }
}
