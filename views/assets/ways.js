// Detects navigation away from the page.

/** Whether a click or submit will replace this page. @param {Event} event */
export function leadsAway(event) {
  const { defaultPrevented, type, target, ctrlKey, metaKey, shiftKey } = /** @type {MouseEvent} */ (event);
  if (defaultPrevented || ctrlKey || metaKey || shiftKey) return false;
  return type === "submit" || /** @type {Element} */ (target).closest('a[href]:not([target], [download], [href^="#"])') !== null;
}
