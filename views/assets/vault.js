// What pages of encrypted chats need and no other page loads.

export { converse } from "./conversation.js";
export { enter } from "./door.js";
export { holds } from "./keyring.js";
