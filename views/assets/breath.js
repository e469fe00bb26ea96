// Pauses in long work.

/** How long to work before yielding to the browser: half a frame. */
const TURN_MS = 8;
/** When the current slice ends. */
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

/** Call between two pieces of long work: yields when the slice is over. */
export async function rest() {
  if (performance.now() < over) return;
  await breathe();
  over = performance.now() + TURN_MS;
}
