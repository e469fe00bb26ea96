// What Chromium takes and Firefox does not.

import { share } from "../harness/claim.js";
import { claimEngine } from "../harness/engine_claims.js";
import { Firefox } from "../harness/firefox.js";

share();

claimEngine("Firefox", () => Firefox.open());
