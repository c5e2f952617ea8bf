// The picture that a drawing starts from: chosen, brought or taken away, with its strength and its mask.
import { openEasel } from "./easel.js";

const MAX_BYTES = 16 * 2 ** 20;
const at = (id) => document.getElementById(id);

export function headers() {
  return { ...JSON.parse(document.body.getAttribute("hx-headers")), "HX-Request": "true" };
}

// Sends a picture; the asset that it became. Throws an Error with the server's sentence.
export async function bring(blob, query) {
  let answer;
  try {
    answer = await fetch(`/create/pictures?${new URLSearchParams(query)}`, {
      method: "POST", body: blob, headers: { ...headers(), "Content-Type": blob.type || "application/octet-stream" },
    });
  } catch {
    throw new Error("The server does not answer; see whether it runs, then try again.");
  }
  if (answer.ok) return answer.json();
  const sentence = new DOMParser().parseFromString(await answer.text(), "text/html").querySelector("p");
  throw new Error(sentence?.textContent || `The server answered ${answer.status}; try again later.`);
}

export function startPictures(form, changed, say) {
  const source = form.elements.namedItem("source");
  const mask = form.elements.namedItem("mask");
  const chooser = at("chooser");
  const place = form.querySelector(".start");
  let shown = "";

  async function show() {
    const id = source.value;
    at("start-none").hidden = Boolean(id);
    at("start-chosen").hidden = !id;
    const painted = Boolean(id && mask.value);
    at("start-mask").hidden = !painted;
    at("mask-remove").hidden = !painted;
    at("paint").textContent = painted ? "Change the mask" : "Paint where it may change";
    if (painted) at("start-mask").src = `/v1/assets/${encodeURIComponent(mask.value)}/media`;
    if (!id || id === shown) return;
    shown = id;
    at("start-image").src = `/v1/assets/${encodeURIComponent(id)}/image`;
    at("start-name").textContent = "…";
    const answer = await fetch(`/v1/assets/${encodeURIComponent(id)}`).catch(() => null);
    if (source.value !== id) return;
    if (answer?.status === 404) {
      remove();
      say("The picture to start from is not there any more; choose another.", "failed");
      return;
    }
    if (!answer?.ok) return;
    const asset = await answer.json();
    if (asset.kind === "clip") {
      remove();
      say("A clip cannot be started from; choose a picture.", "failed");
      return;
    }
    at("start-name").textContent = asset.name;
    at("start-image").alt = asset.name;
    at("start-image").classList.toggle("smooth", asset.size > 160);
  }

  function choose(id) {
    source.value = id;
    mask.value = "";
    show();
    changed();
    place.scrollIntoView({ block: "nearest" });
  }

  function remove() {
    source.value = mask.value = shown = "";
    show();
    changed();
  }

  async function upload(file) {
    if (!file) return;
    if (file.size > MAX_BYTES) {
      say("The picture is larger than 16 MB; save it smaller and try again.", "failed");
      return;
    }
    place.setAttribute("aria-busy", "true");
    try {
      choose((await bring(file, { name: file.name, kind: form.elements.namedItem("kind").value })).id);
      at("start-remove").focus({ preventScroll: true });
    } catch (error) {
      say(error.message, "failed");
    } finally {
      place.removeAttribute("aria-busy");
    }
  }

  at("choose").addEventListener("click", () => {
    chooser.showModal();
    htmx.trigger(at("chooser-found"), "create:open");
  });
  chooser.addEventListener("click", (event) => {
    const pick = event.target.closest("[data-pick]");
    if (!pick) return;
    chooser.close();
    choose(pick.dataset.pick);
  });
  at("start-remove").addEventListener("click", () => {
    remove();
    at("choose").focus();
  });
  at("upload").addEventListener("change", (event) => {
    upload(event.target.files[0]);
    event.target.value = "";
  });
  form.addEventListener("paste", (event) => {
    const file = [...event.clipboardData.files].find((each) => each.type.startsWith("image/"));
    if (!file) return;
    event.preventDefault();
    upload(file);
  });
  form.addEventListener("dragover", (event) => {
    if (![...event.dataTransfer.items].some((item) => item.kind === "file")) return;
    event.preventDefault();
    place.classList.add("dropping");
  });
  form.addEventListener("dragleave", () => place.classList.remove("dropping"));
  form.addEventListener("drop", (event) => {
    place.classList.remove("dropping");
    if (!event.dataTransfer.files.length) return;
    event.preventDefault();
    upload(event.dataTransfer.files[0]);
  });
  at("paint").addEventListener("click", () => openEasel(source.value, mask.value, async (blob) => {
    mask.value = (await bring(blob, { name: "Mask", mask: "true" })).id;
    show();
    changed();
    at("paint").focus();
  }, say));
  at("mask-remove").addEventListener("click", () => {
    mask.value = "";
    show();
    changed();
    at("paint").focus();
  });
  form.addEventListener("lorespark:filled", show);

  return {
    choose,
    show,
    apply(kind) {
      const strength = form.querySelector("[data-strength]");
      strength.hidden = kind === "clip" || !source.value;
      form.elements.namedItem("strength").disabled = strength.hidden;
      mask.disabled = kind === "clip" || !mask.value;
      source.disabled = !source.value;
    },
  };
}
