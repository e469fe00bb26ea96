// A pause in long work.

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
