// What pages of encrypted chats need and no other page loads.

import { converse as begin } from "./conversation.js";
import { enter as door } from "./door.js";
import { holds as held } from "./keyring.js";

export const converse = begin;
export const enter = door;
export const holds = held;
