// The ways out. Whoever ends the chat and however this page hears of it, nothing of the chat stays in the browser: not in the
// page, not in this tab's storage, not behind the Back button.

import { backoffMs, call } from "./api.js";
import { clear as clearComposer } from "./composer.js";
import { become } from "./connection.js";
import { clear as clearOutbox } from "./outbox.js";
import { sendForm } from "./request.js";
import { alarm, text } from "./say.js";
import { conversation, isSealed } from "./sealed.js";
import { config, emit, on, state } from "./state.js";
import { ofTab } from "./storage.js";
import { tell } from "./tabs.js";

/** Read once by the next page: `notice.js`. */
const KEY = "duet:ended";

let leaving = false;

export function start() {
  on("over", ({ by, told }) => {
    if (leaving) return;
    if (!told) tell("over", { by });
    const who = by === config.you ? ["you"] : by ? ["peer", by] : [by === null ? "time" : "unknown"];
    ofTab.set(KEY, JSON.stringify({ who, seat: config.base }));
    alarm(text.ended);
    // The answer of any address of the seat takes its cookies back, also when it comes after this page has gone.
    const cookies = fetch(`${config.base}/sessions`, { cache: "no-store", keepalive: true }).catch(() => {});
    const patience = new Promise((resolve) => setTimeout(resolve, 2_000));
    void Promise.race([Promise.all([cookies, forget(true)]), patience]).then(() => location.replace(config.ended));
    leave();
  });
  on("out", async ({ told }) => {
    if (told) {
      // A tab that was frozen hears of it late, when one may have logged in again, and perhaps ahead of the network.
      const { code } = await call("sessions");
      if (code === 200) return;
      if (code !== 401) return void setTimeout(emit, backoffMs(3), "out", { told });
    } else tell("out");
    leave();
    void forget(false).then(() => location.replace(config.loggedOut));
  });
  for (const form of /** @type {NodeListOf<HTMLFormElement>} */ (document.querySelectorAll("[data-leave]"))) {
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void submit(form);
    });
  }
  // A page out of the browser's back-forward cache is as old as when it was left.
  addEventListener("pageshow", (event) => event.persisted && location.replace(location.pathname + location.search));
}

/** @param {HTMLFormElement} form */
async function submit(form) {
  const isEnd = form.dataset.leave === "end";
  // If the session is over already, logging out has succeeded.
  const answer = await sendForm(form, isEnd ? [410] : [401, 410]);
  // The connection may be dead, and the next try needs another one.
  if (!answer) return emit("timeout");
  /** @type {HTMLDialogElement | null} */ (form.closest("dialog"))?.close();
  if (answer.code === 410) emit("over", {});
  else if (isEnd) emit("over", { by: config.you });
  else emit("out", {});
}

/** Deletes the link of an encrypted chat from the browser. @param {boolean} isOver */
async function forget(isOver) {
  if (isSealed) await conversation()?.forget(isOver).catch(reportError);
}

/** Leaves nothing of the chat in this page. */
function leave() {
  leaving = true;
  become("over");
  clearOutbox();
  clearComposer();
  document.getElementById("chat")?.replaceChildren();
  document.title = "duet";
  state.unread.clear();
}
