// The list is replaced while somebody reads it: the focus stays at the job that it was at.
let row = "";

document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target.id === "jobs") row = document.activeElement?.closest(".job")?.id ?? (event.detail.target.contains(document.activeElement) ? "jobs" : "");
});
document.addEventListener("htmx:afterSettle", () => {
  if (row && document.activeElement === document.body) (document.getElementById(row) ?? document.getElementById("jobs"))?.focus({ preventScroll: true });
  row = "";
});
