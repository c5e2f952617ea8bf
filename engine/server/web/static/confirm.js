// Asks in the page's own dialog before a request with hx-confirm; data-does names the button that goes on.
const dialog = document.getElementById("confirm");

document.addEventListener("htmx:confirm", (event) => {
  const { question, elt, issueRequest } = event.detail;
  if (!question || !dialog) return;
  event.preventDefault();
  document.getElementById("confirm-question").textContent = question;
  dialog.querySelector("[value=yes]").textContent = elt.dataset.does || "Go on";
  dialog.returnValue = "no";
  dialog.addEventListener("close", () => { if (dialog.returnValue === "yes") issueRequest(true); }, { once: true });
  dialog.showModal();
});

// What refreshes by itself waits meanwhile, so that the button that asked is still there.
const refreshes = (event) => dialog?.open && event.detail.elt.matches("[hx-trigger*=every]");
document.addEventListener("htmx:beforeRequest", (event) => { if (refreshes(event)) event.preventDefault(); });
document.addEventListener("htmx:beforeSwap", (event) => { if (refreshes(event)) event.detail.shouldSwap = false; });
