// Tags edited in place: Enter and the button keep them, Escape leaves them as they were.
export function tagKeys() {
  const keep = (part) => part.querySelector("input").dispatchEvent(new CustomEvent("lorespark:keep"));
  document.addEventListener("keydown", (event) => {
    const part = event.target.closest?.(".tags-editing");
    if (!part || event.target.tagName !== "INPUT") return;
    if (event.key === "Enter") {
      event.preventDefault();
      keep(part);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopImmediatePropagation();
      part.querySelector("[data-leaves-tags]").click();
    }
  }, true);
  document.addEventListener("click", (event) => {
    if (event.target.closest?.("[data-keeps-tags]")) keep(event.target.closest(".tags-editing"));
  });
}
