// One collection's page: the dialog closes when its form has done its work, and links are copied whole.
import { say } from "./message.js";

document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target.closest?.("form[data-closes-after]");
  if (form && event.target === form && event.detail.successful) form.closest("dialog").close();
});
document.addEventListener("click", (event) => {
  const button = event.target.closest("[data-copy-path]");
  if (!button) return;
  navigator.clipboard.writeText(new URL(button.dataset.copyPath, location.href).href).then(
    () => say("Copied."),
    () => say("The browser does not let the page copy; select the link and copy it.", "failed"),
  );
});
// After an asset was taken out the focus goes to the one in its place, and not to the page's top.
let place = null;
document.addEventListener("htmx:beforeRequest", (event) => {
  if (event.target.matches?.(".take-out")) place = [...document.querySelectorAll(".take-out")].indexOf(event.target);
});
document.addEventListener("htmx:afterSettle", (event) => {
  if (place === null || event.target.id !== "grid") return;
  const buttons = document.querySelectorAll(".take-out");
  (buttons[Math.min(place, buttons.length - 1)] ?? document.getElementById("assets-title")).focus();
  place = null;
});
