// Sentences that come and go at the page's lower edge; a screen reader says them.
const STAYS_MS = 6000;

export function say(text, kind = "done") {
  const place = document.getElementById("messages");
  if (!place) return;
  const line = document.createElement("div");
  line.className = `message ${kind}`;
  line.append(document.createTextNode(text));
  const close = document.createElement("button");
  close.type = "button";
  close.className = "quiet icon";
  close.setAttribute("aria-label", "Close this message");
  close.textContent = "×";
  close.addEventListener("click", () => line.remove());
  line.append(close);
  place.append(line);
  while (place.children.length > 4) place.firstChild.remove();
  if (kind !== "failed") setTimeout(() => line.remove(), STAYS_MS);
}
