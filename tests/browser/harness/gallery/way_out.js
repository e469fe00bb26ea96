// Around a seat, the ways out, and what goes wrong.

import { tell } from "../flows.js";
import { people } from "../samples.js";
import { press } from "./steps.js";

/** @typedef {import("./steps.js").Walk} Walk */
/** @typedef {import("./steps.js").At} At */

/** Around a seat, and the ways out. @param {Walk} walk @param {At} at */
export async function leaving({ person, language, show }, { anny, link }) {
  const { page } = anny;
  const seat = `${link}/2`;
  const station = async (/** @type {string} */ name, /** @type {string} */ leaf, form = false) => {
    await page.goto(form ? seat : `${seat}/${leaf}`);
    if (form) await press(page, leaf);
    await show(name, page);
  };
  await station("device", "device", true);
  await station("return-code", "return_code", true);
  const { deviceCode } = await tell(anny, `${seat}/device`, {});
  const phone = await person();
  await phone.page.goto(`${link}#device=${deviceCode}&user=${encodeURIComponent(people[language].peer)}`);
  await show("login-device", phone.page);
  await tell(phone, `${link}/login`, { user: people[language].peer, deviceCode });
  await station("sessions", "sessions");
  await station("logout", "logout");
  await station("end", "endchat");
  anny.expectStatus(401, 403, 404, 405, 410);
  await page.goto(`${seat}?before=40`);
  await show("chat-older", page);
  const stranger = await person();
  stranger.expectStatus(400, 401, 403, 404, 405, 410);
  await stranger.page.goto(seat);
  await show("error-401", stranger.page);
  await stranger.page.goto("/demo/chat/user/2222222222222222222222");
  await show("error-404", stranger.page);
  await tell(anny, `${seat}/endchat`, {});
  await stranger.page.goto(link);
  await show("error-410", stranger.page);
}
