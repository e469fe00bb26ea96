// What a browser still holds of a chat, wherever it could.

/** Choices about the browser itself, not about a chat. */
const CHOICES = ["duet:notify", "duet:sound"];

/** @param {Pick<import("./person.js").Person, "context" | "page">} person @returns {Promise<string[]>} */
export async function remains({ context, page }) {
  const cookies = (await context.cookies()).filter(({ path }) => path.startsWith("/demo/chat/user/"));
  const kept = await page.evaluate(async () => {
    const of = (/** @type {string} */ name, /** @type {Storage} */ storage) => Object.keys(storage).map((key) => `${name} ${key}`);
    const databases = (await indexedDB.databases()).map(({ name }) => `database ${name}`);
    const workers = (await navigator.serviceWorker.getRegistrations()).map(({ scope }) => `worker ${scope}`);
    const cached = (await caches.keys()).map((name) => `cache ${name}`);
    const visible = document.cookie ? [`document.cookie ${document.cookie}`] : [];
    return [...of("sessionStorage", sessionStorage), ...of("localStorage", localStorage), ...databases, ...workers, ...cached, ...visible];
  });
  const chosen = (/** @type {string} */ line) => CHOICES.some((key) => line === `localStorage ${key}`);
  return [...cookies.map(({ name, path }) => `cookie ${name} ${path}`), ...kept.filter((line) => !chosen(line))];
}
