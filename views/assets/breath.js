// Pauses in long work.

/** So long a page works before it lets its browser do something else: half of what a frame has. */
const TURN_MS = 8;
/** When the turn of now is over. */
let over = 0;

/**
 * Lets the browser paint and hear its user. Waiting for a promise does not: browsers may do all that WebCrypto is asked for in one
 * task. Timers and frames stand still in a hidden page; a channel does not.
 * @returns {Promise<void>}
 */
export const breathe = () =>
  new Promise((resolve) => {
    const { port1, port2 } = new MessageChannel();
    port1.onmessage = () => resolve(port1.close());
    port2.postMessage(0);
  });

/** Between two pieces of long work: breathes when the turn is over, whatever it was spent on. */
export async function rest() {
  if (performance.now() < over) return;
  await breathe();
  over = performance.now() + TURN_MS;
}
