// What Chromium takes and Safari does not.

import { share } from "../harness/claim.js";
import { claimEngine } from "../harness/engine_claims.js";
import { WebKit } from "../harness/webkit.js";

share();

claimEngine("Safari", () => WebKit.open());
