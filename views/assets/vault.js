// What pages of encrypted chats need and no other page loads.

import { converse as begin } from "./conversation.js";
import { enter as door, forget as leaving, prepare as registering } from "./door.js";
import { holds as held, remove } from "./keyring.js";

export const converse = begin;
export const drop = remove;
export const enter = door;
export const forget = leaving;
export const holds = held;
export const prepare = registering;
