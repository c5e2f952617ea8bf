// The gallery: what is chosen, keys, and tags edited in place.
import { tagKeys } from "./tags.js";

const chosen = new Set();
const bar = document.getElementById("bar");
let last = null;

const boxes = () => [...document.querySelectorAll("#results input[name=asset]")];
const links = () => [...document.querySelectorAll("#results .card-link")];
const boxOf = (link) => link.closest(".card").querySelector("input[name=asset]");

function told() {
  const count = chosen.size;
  bar.hidden = count === 0;
  document.body.classList.toggle("choosing", count > 0);
  for (const place of document.querySelectorAll("[data-count]")) place.textContent = String(count);
  for (const place of document.querySelectorAll("[data-count-of]")) {
    place.textContent = `${count} ${place.dataset.countOf}${count === 1 ? "" : "s"}`;
  }
}

function choose(box, on) {
  box.checked = on;
  if (on) chosen.add(box.value); else chosen.delete(box.value);
}

function chooseTo(box, on) {
  const all = boxes();
  const ends = [all.findIndex((each) => each.value === last), all.indexOf(box)].sort((a, b) => a - b);
  if (ends[0] < 0) choose(box, on);
  else for (const each of all.slice(ends[0], ends[1] + 1)) choose(each, on);
}

function clear() {
  for (const box of boxes()) box.checked = false;
  chosen.clear();
  last = null;
  told();
}

// What is shown anew keeps what was chosen; what is no longer shown is not chosen either.
function settle() {
  const all = boxes();
  const shown = new Set(all.map((box) => box.value));
  for (const id of [...chosen]) if (!shown.has(id)) chosen.delete(id);
  for (const box of all) box.checked = chosen.has(box.value);
  told();
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("#results input[name=asset]");
  if (box) {
    if (event.shiftKey && last) chooseTo(box, box.checked); else choose(box, box.checked);
    last = box.value;
    told();
  }
  // The label's click comes without Shift in some browsers' synthetic click on its box.
  const label = event.target.closest?.(".choose");
  if (label && event.shiftKey && last && !box) {
    event.preventDefault();
    const own = label.querySelector("input");
    chooseTo(own, true);
    last = own.value;
    told();
  }
  if (event.target.closest?.("[data-does=clear]")) clear();
});
document.addEventListener("lorespark:closes", (event) => event.target.closest("dialog")?.close());
document.addEventListener("lorespark:minted", clear);
document.addEventListener("htmx:afterSettle", settle);
for (const select of document.querySelectorAll("#into")) {
  const name = document.getElementById("new-name");
  select.addEventListener("change", () => { if (select.value) name.value = ""; });
  name.addEventListener("input", () => { if (name.value) select.value = ""; });
}

const keysOn = document.getElementById("keys-on");
try { keysOn.checked = localStorage.getItem("gallery-keys") !== "off"; } catch { /* not kept */ }
keysOn.addEventListener("change", () => {
  try { localStorage.setItem("gallery-keys", keysOn.checked ? "on" : "off"); } catch { /* not kept */ }
});

function focus(link) {
  link?.focus();
  link?.closest(".card").scrollIntoView({ block: "nearest" });
}

// The card above or below: the nearest across in the next row of the grid.
function inRow(link, down) {
  const own = link.getBoundingClientRect();
  const others = links().map((each) => [each, each.getBoundingClientRect()])
    .filter(([, box]) => (down ? box.top > own.top + 4 : box.top < own.top - 4));
  const top = others.length && (down ? Math.min : Math.max)(...others.map(([, box]) => box.top));
  return others.filter(([, box]) => Math.abs(box.top - top) < 4)
    .sort((a, b) => Math.abs(a[1].left - own.left) - Math.abs(b[1].left - own.left))[0]?.[0];
}

function move(link, key, choosing) {
  const all = links();
  const at = all.indexOf(link);
  const to = {
    ArrowRight: () => all[at + 1], ArrowLeft: () => all[at - 1],
    ArrowDown: () => inRow(link, true), ArrowUp: () => inRow(link, false),
    Home: () => all[0], End: () => all[all.length - 1],
  }[key]();
  if (!to) return;
  if (choosing) {
    choose(boxOf(link), true);
    last = boxOf(link).value;
    chooseTo(boxOf(to), true);
    last = boxOf(to).value;
    told();
  }
  focus(to);
}

const MOVES = ["ArrowRight", "ArrowLeft", "ArrowDown", "ArrowUp", "Home", "End"];

document.addEventListener("keydown", (event) => {
  const target = event.target;
  const writes = target.matches("input:not([type=checkbox], [type=radio]), textarea, select");
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]") || writes) return;
  if (event.key === "Escape" && chosen.size) { clear(); return; }
  if (!keysOn.checked && event.key.length === 1) return;
  const card = target.closest(".card");
  const link = card?.querySelector(".card-link");
  if (MOVES.includes(event.key)) {
    if (!card && target !== document.body && target.id !== "main") return;
    event.preventDefault();
    if (link) move(link, event.key, event.shiftKey); else focus(links()[0]);
  } else if (event.key === "/") {
    event.preventDefault();
    document.getElementById("q").focus();
    document.getElementById("q").select();
  } else if (event.key === "?") {
    document.getElementById("keys").showModal();
  } else if (event.key === " " && target === link) {
    event.preventDefault();
    choose(boxOf(link), !boxOf(link).checked);
    last = boxOf(link).value;
    told();
  } else if (event.key === "f" && link) {
    card.querySelector(".star")?.click();
  } else if (event.key === "m" && (link || chosen.size)) {
    if (!chosen.size) { choose(boxOf(link), true); told(); }
    bar.querySelector("[data-does=mint]")?.click();
  }
});

tagKeys();
settle();
