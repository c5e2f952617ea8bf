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
document.addEventListener("htmx:beforeRequest", (event) => {
  if (dialog?.open && event.detail.requestConfig?.triggeringEvent?.type !== "submit" && event.detail.elt.matches("[hx-trigger*=every]")) event.preventDefault();
});
