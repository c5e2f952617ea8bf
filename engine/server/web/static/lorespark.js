// What every page does: messages, theme, menu, kept form fields, crisp zoom.
import { say } from "./message.js";
import { keepForms } from "./kept_form.js";

const root = document.documentElement;

function isDark() {
  return root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.matches("[data-theme-switch]")) {
    root.dataset.theme = isDark() ? "light" : "dark";
    try { localStorage.setItem("theme", root.dataset.theme); } catch { /* not kept */ }
  }
  if (button?.matches(".menu-button")) {
    button.setAttribute("aria-expanded", String(button.getAttribute("aria-expanded") !== "true"));
  }
  if (button?.matches("[data-copy]")) {
    navigator.clipboard.writeText(button.dataset.copy).then(
      () => say("Copied."),
      () => say("The browser does not let the page copy; select the text and copy it.", "failed"),
    );
  }
  if (button?.matches("[data-opens]")) document.getElementById(button.dataset.opens)?.showModal();
  if (button?.matches("[data-closes]")) button.closest("dialog")?.close();
});

document.addEventListener("lorespark:message", (event) => say(event.detail.text, event.detail.kind));

// What an error says is shown, and the field that it names is marked.
document.addEventListener("htmx:responseError", (event) => {
  const parsed = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html");
  const sentence = parsed.querySelector("p");
  say(sentence?.textContent || `The server answered ${event.detail.xhr.status}; try again later.`, "failed");
  const name = sentence?.dataset.pointer?.split("/").filter(Boolean).pop();
  const field = name && event.detail.elt.closest("form")?.elements.namedItem(name);
  if (field instanceof HTMLElement) {
    field.setAttribute("aria-invalid", "true");
    field.focus();
    field.addEventListener("input", () => field.removeAttribute("aria-invalid"), { once: true });
  }
});
document.addEventListener("htmx:sendError", () => say("The server does not answer; see whether it runs, then try again.", "failed"));
document.addEventListener("htmx:timeout", () => say("The server took too long; try again.", "failed"));

keepForms();
