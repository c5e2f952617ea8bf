// Forms marked data-keep survive a reload: their fields are kept in this tab's storage until they are sent for good.
const WAIT_MS = 150;

function key(form) {
  return `form:${form.dataset.keep}`;
}

export function fieldsOf(form) {
  const kept = {};
  for (const field of form.elements) {
    if (!field.name || field.type === "file" || field.type === "password" || field.type === "hidden") continue;
    if (field.type === "checkbox") kept[field.name] = field.checked;
    else if (field.type === "radio") { if (field.checked) kept[field.name] = field.value; }
    else kept[field.name] = field.value;
  }
  return kept;
}

export function fill(form, kept) {
  for (const field of form.elements) {
    if (!field.name || !(field.name in kept)) continue;
    const value = kept[field.name];
    if (field.type === "checkbox") field.checked = value === true;
    else if (field.type === "radio") field.checked = field.value === value;
    else if (field.type !== "file" && field.type !== "hidden") field.value = value;
  }
  form.dispatchEvent(new CustomEvent("lorespark:filled", { bubbles: true }));
}

export function keepForms() {
  for (const form of document.querySelectorAll("form[data-keep]")) {
    let waiting = 0;
    try {
      const kept = sessionStorage.getItem(key(form));
      if (kept && !("filled" in form.dataset)) fill(form, JSON.parse(kept)); // data-filled: the server filled it in
    } catch { /* nothing was kept */ }
    const keep = () => {
      clearTimeout(waiting);
      waiting = setTimeout(() => {
        try { sessionStorage.setItem(key(form), JSON.stringify(fieldsOf(form))); } catch { /* not kept */ }
      }, WAIT_MS);
    };
    form.addEventListener("input", keep);
    form.addEventListener("change", keep);
    form.addEventListener("lorespark:changed", keep);
  }
}

export function forget(form) {
  try { sessionStorage.removeItem(key(form)); } catch { /* nothing was kept */ }
}
