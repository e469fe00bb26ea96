// Every page and state without scripts, in both languages: the rules of axe-core, and a few more.

import { share } from "../harness/claim.js";
import { claimAccess } from "../harness/walk_claims.js";

share();

claimAccess("en", false);
claimAccess("ar", false);
