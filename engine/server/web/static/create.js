// The form that makes pictures: what applies to the chosen kind, examples, start picture, palette, and sending.
import { say } from "./message.js";
import { watchCards } from "./creation_cards.js";
import { startPictures } from "./start_picture.js";

const form = document.getElementById("create-form");
const field = (name) => form.elements.namedItem(name);
const changed = () => form.dispatchEvent(new CustomEvent("lorespark:changed", { bubbles: true }));
const TWICE_MS = 1500; // two clicks within it, on the same form, are one
let sent = { key: "", text: "", at: 0 };

function kind() { return field("kind").value; }

function ownModel() { return Boolean(field("model")?.value); }

// What does not apply is hidden, and a field that is disabled is not sent.
function apply() {
  const drawn = form.querySelector('[name="kind"]:checked');
  if (!drawn || drawn.disabled) form.querySelector('[name="kind"]:enabled').checked = true;
  const model = field("model");
  if (kind() === "illustration" && model && !model.value) {
    const draws = [...model.options].find((option) => option.dataset.kinds?.split(" ").includes("illustration"));
    if (draws) model.value = draws.value;
  }
  const chosen = model?.selectedOptions?.[0]?.dataset.kinds;
  if (chosen && !chosen.split(" ").includes(kind())) model.value = "";
  for (const part of form.querySelectorAll("[data-kinds], [data-model]")) {
    if (part.matches("option")) continue;
    const fits = (!part.dataset.kinds || part.dataset.kinds.split(" ").includes(kind()))
      && (!part.dataset.model || (part.dataset.model === "own") === ownModel());
    part.hidden = !fits;
  }
  const tiling = form.querySelector("[data-tiling]"); // of a clip only what flows repeats
  tiling.hidden ||= kind() === "clip" && (ownModel() || field("action").selectedOptions[0]?.dataset.subject !== "tile");
  // A picture is set in motion at its own size.
  form.querySelector("[data-size]").hidden ||= kind() === "clip" && Boolean(field("source").value);
  for (const each of form.elements) {
    if (!each.name || each.name === "kind" || each.type === "hidden") continue;
    const away = each.closest("[data-kinds][hidden], [data-model][hidden]");
    if (each instanceof HTMLFieldSetElement) continue;
    each.disabled = Boolean(away);
  }
  for (const set of form.querySelectorAll("fieldset[data-kinds]")) set.disabled = set.hidden;
  start.apply(kind());
  describe();
}

// What is folded away is told in a few words.
function describe() {
  const checked = form.querySelector('[name="palette"]:checked');
  const named = checked?.closest("label")?.querySelector(".palette-name")?.firstChild.textContent.trim() ?? "";
  document.getElementById("palette-said").textContent =
    checked?.value === "number" ? `${field("colours").value} colours` : named;
  const said = [];
  if (field("negative_prompt").value.trim()) said.push("kept out");
  if (field("seed_mode").value === "locked") said.push(`seed ${field("seed").value || "?"}`);
  for (const name of ["steps", "guidance"]) if (field(name).value) said.push(`${name} ${field(name).value}`);
  for (const name of ["outline", "background"]) if (field(name).value && !field(name).disabled) said.push(name);
  if (field("style")?.value) said.push(field("style").value);
  document.getElementById("more-said").textContent = said.join(", ");
  for (const select of form.querySelectorAll("[data-coloured]")) {
    field(select.dataset.coloured).hidden = select.value !== "colour";
  }
  const strength = field("strength");
  document.getElementById("strength-said").textContent = Number(strength.value).toFixed(2);
  const swatches = document.getElementById("own-swatches");
  swatches.replaceChildren(...(field("own_colours").value.match(/#?[0-9a-f]{6}\b/gi) ?? []).slice(0, 256).map((colour) => {
    const swatch = document.createElement("i");
    swatch.style.background = `#${colour.replace("#", "")}`;
    return swatch;
  }));
}

// A field that is at fault says why, beside it.
function unmark() {
  for (const each of form.querySelectorAll(".field-fault")) each.remove();
  for (const each of form.querySelectorAll("[aria-invalid]")) {
    each.removeAttribute("aria-invalid");
    each.removeAttribute("aria-errormessage");
  }
}

function mark(name, sentence) {
  const names = { size: ["size_px", "size"], frames: ["frames_own", "frames"] }[name] ?? [name];
  let target = names.map(field).find((each) => each && !each.disabled);
  if (!target) return false;
  const focused = target instanceof RadioNodeList ? [...target].find((each) => each.checked) ?? target[0] : target;
  const marked = target instanceof RadioNodeList ? focused.closest("fieldset") : target;
  const shown = focused.hidden ? document.getElementById("start-remove") : focused;
  for (let fold = marked.closest("details"); fold; fold = fold.parentElement.closest("details")) fold.open = true;
  marked.setAttribute("aria-invalid", "true");
  const line = document.createElement("p");
  line.className = "field-fault";
  line.id = `fault-${name}`;
  line.textContent = sentence;
  marked.setAttribute("aria-errormessage", line.id);
  if (name === "prompt") document.getElementById("tokens").after(line);
  else (marked.closest(".palette-more, .fields, .field, fieldset") ?? marked.parentElement).append(line);
  shown.focus();
  return true;
}

form.addEventListener("htmx:responseError", (event) => {
  if (event.detail.elt !== form) return;
  const sentence = new DOMParser().parseFromString(event.detail.xhr.responseText, "text/html").querySelector("p");
  const name = sentence?.dataset.pointer?.split("/").filter((part) => part && !/^\d+$/.test(part)).pop();
  unmark();
  if (name && mark(name, sentence.textContent)) event.stopPropagation(); // said there, so not at the page's edge too
});

function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

// A click that comes twice has the same key, and makes one creation.
document.addEventListener("htmx:configRequest", (event) => {
  if (!event.target.matches("[data-once]")) return;
  const text = `${event.detail.path}?${event.target === form ? new URLSearchParams(new FormData(form)) : ""}`;
  if (text !== sent.text || Date.now() - sent.at > TWICE_MS) sent.key = newKey();
  sent = { key: sent.key, text, at: Date.now() };
  event.detail.headers["Idempotency-Key"] = sent.key;
});
form.addEventListener("htmx:beforeRequest", (event) => { if (event.target === form) unmark(); });
form.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit();
  } else if (event.target.matches("input[type=text], input[type=number]")) {
    event.preventDefault(); // Enter in a number is no wish to draw yet
  }
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !form.contains(event.target) && !document.querySelector("dialog[open]")) {
    event.preventDefault();
    form.requestSubmit();
  }
});

form.addEventListener("click", (event) => {
  const example = event.target.closest("[data-example]");
  if (example) {
    field("prompt").value = example.dataset.example;
    field("prompt").focus();
    changed();
  }
  if (event.target.id === "own-add") {
    const own = field("own_colours");
    own.value = `${own.value.trim()} ${document.getElementById("own-colour").value}`.trim();
    changed();
  }
});
form.addEventListener("input", (event) => {
  if (event.target.name === "seed" && event.target.value) field("seed_mode").value = "locked";
  unmark();
  describe();
});
form.addEventListener("change", () => {
  unmark();
  apply();
});
form.addEventListener("lorespark:filled", () => apply());
form.addEventListener("lorespark:changed", () => apply());

const start = startPictures(form, changed, say);
apply();
start.show();
if ("filled" in form.dataset || form.dataset.source) {
  // A reload keeps what was typed since, so the address no longer fills the form.
  history.replaceState(null, "", "/create");
}
if (form.dataset.source) {
  if (["character", "item", "tile", "illustration"].includes(form.dataset.sourceKind)) {
    const same = form.querySelector(`[name="kind"][value="${form.dataset.sourceKind}"]`);
    if (same && !same.disabled) same.checked = true;
  }
  start.choose(form.dataset.source);
}
if ("filled" in form.dataset) changed();
watchCards((id) => start.choose(id));
