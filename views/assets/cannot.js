// Why an encrypted chat, or a part of it, does not work here. The page has the sentences, hidden.

/** Shows the reason that applies, and removes what would not work. Answers false, as what could not be done. @param {string} why @param {Element | null} [instead] */
export function cannot(why, instead) {
  for (const node of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll("[data-cannot]"))) {
    if (node.dataset.cannot === why) node.role = "alert";
    node.hidden = node.dataset.cannot !== why;
  }
  if (instead) /** @type {HTMLElement} */ (instead).hidden = true;
  return false;
}
