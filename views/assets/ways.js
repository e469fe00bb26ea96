// What leads away from the page.

/** Whether a press, or a form that is sent, brings another page in the place of this one. @param {Event} event */
export function leadsAway(event) {
  const { defaultPrevented, type, target, ctrlKey, metaKey, shiftKey } = /** @type {MouseEvent} */ (event);
  if (defaultPrevented || ctrlKey || metaKey || shiftKey) return false;
  return type === "submit" || /** @type {Element} */ (target).closest('a[href]:not([target], [download], [href^="#"])') !== null;
}
