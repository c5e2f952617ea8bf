// A form that did its work is emptied; a secret goes when it was kept; the focus finds its way after a swap.
import { forget } from "./kept_form.js";

document.addEventListener("htmx:afterRequest", ({ detail }) => {
  if (detail.successful && detail.elt.matches("form[data-clears]")) {
    detail.elt.reset();
    forget(detail.elt);
  }
});
document.addEventListener("click", (event) => {
  if (!event.target.closest("[data-clears-made]")) return;
  document.getElementById("made").replaceChildren();
  (document.querySelector("#keys, #hooks, #hook") ?? document.getElementById("main")).focus();
});
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  if (document.activeElement === document.body && !detail.elt.closest("[data-unfocused]") && detail.elt.matches("[tabindex]")) detail.elt.focus({ preventScroll: true });
});
