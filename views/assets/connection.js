// The connection of one person of a chat in this browser. Its tabs share it: one of them leads, has the stream and tells the
// others how it stands.
//
//                  hello                 nothing for 20 s, or looked at again
//    connecting ──────────▶ live ────────────────────────────────────────────▶ quiet
//        │                  ▲  ▲ ◀──────────────── any event ───────────────────┘ │
//        │            hello │  └─────────────┐                                    │ no answer for 5 s,
//        │                  │                │                                    │ nothing for 40 s
//        └── refused, ───▶ lost ◀── refused, closed, offline: from live as well ◀─┘
//            no hello
//
//    session: logged out elsewhere, or somebody else was let in. A 401 leads here from every state above; whatever the server
//             answers with 200 leads back to "connecting". Who is here does not lead, and tells the others to ask for themselves:
//             another tab may be logged in again.
//    over:    the chat has ended. A 410, a 204 and `ended` lead here from everywhere, and nothing leads away.

import { emit, state } from "./state.js";

/** @typedef {"connecting" | "live" | "quiet" | "lost" | "session" | "over"} Connection */

/** @type {Record<Connection, Connection[]>} the allowed transitions */
const NEXT = {
  connecting: ["live", "lost", "session", "over"],
  live: ["quiet", "lost", "session", "over"],
  quiet: ["live", "lost", "session", "over"],
  lost: ["live", "session", "over"],
  session: ["connecting", "over"],
  over: [],
};

/** Ignores transitions that do not exist: a late event of a closing stream must not revive a chat. @param {Connection} now */
export function become(now) {
  if (!NEXT[state.connection].includes(now)) return;
  state.connection = now;
  emit("connection");
}

/** What is sent now may arrive. */
export const isUp = () => state.connection === "live" || state.connection === "quiet";

/** There is nothing to be had: no stream, no answers. */
export const isOut = () => state.connection === "session" || state.connection === "over";
