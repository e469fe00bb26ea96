// For a tab that nobody looks at: the number in the title always, notification and sound only when switched on.

import { fill, peerName, status, text } from "./say.js";
import { byId, config, on, state } from "./state.js";
import { ofBrowser } from "./storage.js";
import { isLeading, isLookedAt } from "./tabs.js";

const title = document.title.replace(/^\(\d+\) /, "");
const KEYS = { notifications: "duet:notify", sound: "duet:sound" };
/** A fourth apart: two voices. */
const NOTES_HZ = [587, 784];

/** @type {AudioContext | undefined} */
let audio;

export function start() {
  on("unread", count);
  on("peer", count);
  on("messages", arrive);
  toggle("notifications", KEYS.notifications, allow);
  toggle("sound", KEYS.sound, async () => {
    chime();
    return true;
  });
  count();
}

function count() {
  const name = state.peer ? title.replace(title.split(" · ")[0], () => state.peer ?? "") : title;
  document.title = state.unread.size ? `(${state.unread.size}) ${name}` : name;
}

/** @param {string} id @param {string} key @param {() => Promise<boolean>} onAsked */
function toggle(id, key, onAsked) {
  const button = byId(id);
  const show = () => button.setAttribute("aria-pressed", String(ofBrowser.get(key) === "on"));
  button.addEventListener("click", async () => {
    if (ofBrowser.get(key) === "on") ofBrowser.remove(key);
    else if (await onAsked()) ofBrowser.set(key, "on");
    show();
  });
  show();
}

async function allow() {
  const allowed = "Notification" in window && (await Notification.requestPermission()) === "granted";
  if (!allowed) status(text.notifications_blocked);
  byId("notifications").title = allowed ? "" : text.notifications_blocked;
  return allowed;
}

/** @param {{ senderName: string }[]} messages */
async function arrive(messages) {
  const theirs = messages.some(({ senderName }) => senderName !== config.you);
  if (!theirs || !isLeading() || (await isLookedAt())) return;
  if (ofBrowser.get(KEYS.sound) === "on") chime();
  if (ofBrowser.get(KEYS.notifications) !== "on" || Notification.permission !== "granted") return;
  try {
    // Without the text: a notification is read over shoulders and stays in a system's own history.
    const shown = new Notification(fill("{peer}", { peer: peerName() }), { body: text.notification, tag: config.base });
    shown.onclick = () => {
      window.focus();
      shown.close();
    };
  } catch {
    // Some phones allow notifications to service workers alone.
  }
}

function chime() {
  audio ??= new AudioContext();
  const { currentTime, destination } = audio;
  NOTES_HZ.forEach((frequency, index) => {
    if (!audio) return;
    const at = currentTime + 0.12 * index;
    const volume = new GainNode(audio, { gain: 0 });
    volume.gain.setValueAtTime(0.12, at);
    volume.gain.exponentialRampToValueAtTime(0.001, at + 0.35);
    const note = new OscillatorNode(audio, { frequency });
    note.connect(volume).connect(destination);
    note.start(at);
    note.stop(at + 0.4);
  });
}
