// The theme's form: as many traits as are used, and how many different assets they give.
const form = document.querySelector(".theme-form");
const rows = [...form.querySelectorAll("[data-trait]")];
const add = form.querySelector("[data-trait-add]");
const told = form.querySelector("[data-combinations]");
let shown = 0;

const isUsed = (row) => [...row.querySelectorAll("input, textarea")].some((field) => field.value.trim());
const values = (row) => row.querySelector("textarea").value.split("\n").filter((line) => line.trim());

function count() {
  const used = rows.filter(isUsed);
  const kinds = form.querySelectorAll("[name=kinds]:checked").length;
  if (!used.length) { told.textContent = ""; return; }
  const different = used.reduce((product, row) => product * Math.max(1, values(row).length), Math.max(1, kinds));
  const wanted = Number(form.elements.count.value);
  told.textContent = `${different.toLocaleString("en")} different assets can be drawn${different < wanted ? `, fewer than the ${wanted} you ask for` : ""}.`;
  told.classList.toggle("too-few", different < wanted);
}

function show() {
  rows.forEach((row, place) => { row.hidden = place >= shown; });
  add.hidden = shown >= rows.length;
  count();
}

function restore() {
  shown = Math.max(shown, rows.findLastIndex(isUsed) + 1);
  show();
}

add.addEventListener("click", () => {
  shown += 1;
  show();
  rows[shown - 1].querySelector("input").focus();
});
form.addEventListener("click", (event) => {
  const button = event.target.closest("[data-trait-remove]");
  if (!button) return;
  // The rows after it move up, so that names of fields stay in one order.
  for (let place = rows.indexOf(button.closest("[data-trait]")); place < shown; place += 1) {
    const [own, next] = [rows[place], rows[place + 1]];
    for (const name of ["input", "textarea"]) own.querySelector(name).value = next?.querySelector(name).value ?? "";
  }
  shown -= 1;
  show();
  form.dispatchEvent(new CustomEvent("lorespark:changed"));
  add.focus();
});
form.addEventListener("input", count);
form.addEventListener("lorespark:filled", restore);
restore();
