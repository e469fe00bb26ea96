// Every page but the chat.

import { runEach } from "./each.js";
import { start as login } from "./login.js";
import { ofTab } from "./storage.js";
import { start as typed } from "./typed.js";

runEach([typed, login]);

document.documentElement.dataset.live = "";

/** Loaded when needed. @param {Promise<{ start: () => void }>} script */
const run = (script) => script.then(({ start }) => start()).catch(reportError);

// A chat is over, or was left: deletes what this tab keeps of it.
if (ofTab.get("duet:ended") || /^\?(ended|loggedout)/.test(location.search) || document.querySelector("[data-gone]")) void run(import("./notice.js"));
// Who waits for the other person, or was let in just now. The page of an encrypted chat goes in when it has the key: door.js.
if (document.querySelector("[data-ask], [data-submit-now]:not([data-encrypted] *)")) void run(import("./ask.js"));
// What the browser kept of a page may belong to a chat that is gone. What follows the # may be a secret that nothing else keeps.
addEventListener("pageshow", ({ persisted }) => persisted && (location.hash ? location.reload() : location.replace(location.pathname + location.search)));
