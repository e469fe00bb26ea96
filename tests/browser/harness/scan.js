// A phone's camera: what a QR code on the screen says to whoever points at it.

import decode from "qr/decode.js";

/** A loaded machine may take its time. */
const LIMIT_MS = 60_000;

/**
 * Reads the pixels of an element, as they are on the screen. They are unpacked in a page of their own, so that the one that is looked at
 * stays as it is.
 * @param {import("playwright-core").Locator} code @param {import("playwright-core").Browser} browser
 */
export async function scan(code, browser) {
  const picture = `data:image/png;base64,${(await code.screenshot()).toString("base64")}`;
  const table = await browser.newPage();
  const { width, height, pixels } = await table.evaluate(async (picture) => {
    const image = new Image();
    image.src = picture;
    await image.decode();
    const { width, height } = image;
    const canvas = /** @type {OffscreenCanvasRenderingContext2D} */ (new OffscreenCanvas(width, height).getContext("2d"));
    canvas.drawImage(image, 0, 0);
    return { width, height, pixels: [...canvas.getImageData(0, 0, width, height).data] };
  }, picture);
  await table.close();
  return decode({ width, height, data: Uint8ClampedArray.from(pixels) }, { timeLimit: LIMIT_MS });
}
