// Every page but the chat.

import * as ask from "./ask.js";
import * as login from "./login.js";
import * as notice from "./notice.js";

for (const { start } of [notice, login, ask]) {
  try {
    start();
  } catch (error) {
    reportError(error);
  }
}
// What the browser kept of a page may belong to a chat that is gone.
addEventListener("pageshow", (event) => event.persisted && location.replace(location.pathname + location.search));
