// What leads away from the page.

/** Whether a press, or a form that is sent, brings another page in the place of this one. @param {Event} event */
export function leadsAway(event) {
  const { ctrlKey, metaKey, shiftKey } = /** @type {MouseEvent} */ (event);
  const target = /** @type {Element} */ (event.target);
  const isLink = () => !ctrlKey && !metaKey && !shiftKey && target.closest('a[href]:not([target], [download], [href^="#"])') !== null;
  return !event.defaultPrevented && (event.type === "submit" || isLink());
}
