// The states that only encrypted chats have, in both languages: the rules of axe-core, and a few more.

import { shareBehindRelay } from "../harness/claim.js";
import { walkEncrypted } from "../harness/gallery/encrypted.js";
import { claimAccess } from "../harness/walk_claims.js";

shareBehindRelay();

const encrypted = { what: "state of an encrypted chat", through: walkEncrypted };

claimAccess("en", true, encrypted);
claimAccess("ar", true, encrypted);
claimAccess("en", false, encrypted);
claimAccess("ar", false, encrypted);
