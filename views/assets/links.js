// The links of an encrypted chat on a page, with what follows their # and no server knows.

import { encode } from "./seal.js";

/** Completes them, and draws their QR codes. @param {ParentNode} place @param {Uint8Array} secret */
export async function showLinks(place, secret) {
  for (const field of /** @type {NodeListOf<HTMLInputElement>} */ (place.querySelectorAll("[data-link]"))) {
    const [address, more] = (field.dataset.link ?? "").split("#");
    field.value = `${address}#v1.${encode(secret)}${more ? `&${more}` : ""}`;
    field.dispatchEvent(new Event("change"));
    const code = place.querySelector(`[data-qr="${field.id}"]`);
    if (!code) continue;
    const [{ draw }, library] = await Promise.all([import("./qr.js"), import("./lean-qr.js")]);
    draw(code, field.value, library);
  }
}
