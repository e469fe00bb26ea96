// Where a browser lays its keyboard over the page instead of making the page smaller (iOS), the chat is made as high as what is left,
// and stays in it: such a browser also moves the page under the keyboard to show a field.

export function start() {
  const seen = visualViewport;
  if (!seen) return;
  const fit = () => {
    // After a pinch zoom, somebody looks at a part of the page on purpose.
    const height = seen.scale === 1 && innerHeight - seen.height > 1 ? `${seen.height}px` : "";
    document.body.style.blockSize = height;
    if (height) scrollTo(0, 0);
  };
  for (const change of ["resize", "scroll"]) seen.addEventListener(change, fit);
  fit();
}
