// The chat page. Everything on it works as forms; from here on it does so without leaving the page.

import * as asks from "./asks.js";
import * as attention from "./attention.js";
import * as composer from "./composer.js";
import * as connection from "./connection.js";
import * as copy from "./copy.js";
import * as expiry from "./expiry.js";
import * as leave from "./leave.js";
import * as log from "./log.js";
import * as menu from "./menu.js";
import * as older from "./older.js";
import * as outbox from "./outbox.js";
import * as presence from "./presence.js";
import * as receipts from "./receipts.js";
import { config } from "./state.js";
import * as stream from "./stream.js";
import * as theme from "./theme.js";

theme.start();
copy.start();
menu.start();
leave.start();

// A page of an older stretch is for reading.
if (config.live) {
  log.start();
  older.start();
  presence.start();
  connection.start();
  asks.start();
  attention.start();
  expiry.start();
  receipts.start();
  composer.start();
  outbox.start();
  stream.start();
}
