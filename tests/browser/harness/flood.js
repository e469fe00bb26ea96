// Thousands of messages at once, faster than anybody types.

/** So many are under way at a time. */
const LANES = 25;

/** What a server for this must allow. */
export const ROOM = { DUET_LIMITS__SENDS_PER_SEAT_PER_SECOND: "100000", DUET_LIMITS__SENDS_PER_SEAT_BURST: "100000" };

/** Says `line 1` to `line {count}`, in about that order. @param {import("./person.js").Person} person @param {string} chat @param {number} count */
export async function flood({ context, server }, chat, count) {
  const cookies = (await context.cookies(`${server.origin}${chat}`)).map(({ name, value }) => `${name}=${value}`).join("; ");
  const headers = { Cookie: cookies, Accept: "application/json", "Content-Type": "application/json" };
  let sent = 0;
  const lane = async () => {
    while (sent < count) {
      const body = JSON.stringify({ data: { message: `line ${++sent}` } });
      const answer = await fetch(`${server.origin}${chat}/message_send`, { method: "POST", headers, body });
      if (!answer.ok) throw new Error(`${answer.status}: ${await answer.text()}`);
      await answer.arrayBuffer();
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}
