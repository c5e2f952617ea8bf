// A mask is painted over a picture: by pointer, by touch, or by keys. White is what may change.
const COLOUR = [255, 40, 160]; // seen on anything; the mask that is sent is white on black
const MOST_UNDONE = 30;
const MOST_KEPT_PIXELS = 40_000_000; // of all steps that can be taken back
const at = (id) => document.getElementById(id);
const dialog = at("easel");
const canvas = at("easel-canvas");
const board = at("easel-board");
const paper = canvas.getContext("2d", { willReadFrequently: true });
let undone = [];
let use = null;
let spot = { x: 0, y: 0 };
let last = null; // where the pointer was, while it is down

function erasing() { return dialog.querySelector('[name="tool"]:checked').value === "erase"; }

function brush() { return Number(at("brush").value); }

function tell(text) { at("easel-said").textContent = text; }

function keep() {
  undone.push(paper.getImageData(0, 0, canvas.width, canvas.height));
  const most = Math.max(1, Math.min(MOST_UNDONE, Math.floor(MOST_KEPT_PIXELS / (canvas.width * canvas.height))));
  undone = undone.slice(-most);
  at("easel-undo").disabled = false;
}

// A round dab on whole pixels, so that what is painted is what is marked.
function dab(x, y) {
  const size = brush();
  const radius = size / 2;
  const left = Math.round(x - radius);
  const top = Math.round(y - radius);
  paper.fillStyle = `rgb(${COLOUR})`;
  for (let row = 0; row < size; row += 1) {
    const off = row + 0.5 - radius;
    const half = size < 3 ? radius : Math.sqrt(Math.max(0, radius * radius - off * off));
    const from = left + Math.round(radius - half);
    const wide = Math.round(2 * half);
    if (erasing()) paper.clearRect(from, top + row, wide, 1);
    else paper.fillRect(from, top + row, wide, 1);
  }
}

function line(from, to) {
  const steps = Math.max(1, Math.ceil(Math.hypot(to.x - from.x, to.y - from.y) / Math.max(1, brush() / 4)));
  for (let step = 0; step <= steps; step += 1) {
    dab(from.x + ((to.x - from.x) * step) / steps, from.y + ((to.y - from.y) * step) / steps);
  }
}

function place(event) {
  const box = canvas.getBoundingClientRect();
  return { x: ((event.clientX - box.left) * canvas.width) / box.width, y: ((event.clientY - box.top) * canvas.height) / box.height };
}

function cursor() {
  const mark = at("easel-cursor");
  const scale = board.clientWidth / canvas.width;
  mark.style.left = `${spot.x * scale}px`;
  mark.style.top = `${spot.y * scale}px`;
  mark.style.width = mark.style.height = `${Math.max(6, brush() * scale)}px`;
}

// The picture as large as fits; small pixel art by a whole number.
function fit() {
  const room = { wide: dialog.clientWidth - 48, high: Math.max(160, innerHeight - 340) };
  let scale = Math.min(room.wide / canvas.width, room.high / canvas.height);
  if (scale > 1) scale = Math.floor(scale);
  board.style.width = `${canvas.width * scale}px`;
  board.style.height = `${canvas.height * scale}px`;
  cursor();
}

function undo() {
  const before = undone.pop();
  if (before) paper.putImageData(before, 0, 0);
  at("easel-undo").disabled = undone.length === 0;
  tell(before ? "Taken back." : "There is nothing to take back.");
}

function painted() {
  const data = paper.getImageData(0, 0, canvas.width, canvas.height).data;
  for (let index = 3; index < data.length; index += 4) if (data[index] > 127) return true;
  return false;
}

function asMask() {
  const made = document.createElement("canvas");
  made.width = canvas.width;
  made.height = canvas.height;
  const ink = made.getContext("2d");
  const data = paper.getImageData(0, 0, canvas.width, canvas.height);
  for (let index = 0; index < data.data.length; index += 4) {
    data.data.fill(data.data[index + 3] > 127 ? 255 : 0, index, index + 3);
    data.data[index + 3] = 255;
  }
  ink.putImageData(data, 0, 0);
  return new Promise((resolve) => { made.toBlob(resolve, "image/png"); });
}

async function loaded(path) {
  const picture = new Image();
  picture.src = path;
  await picture.decode();
  return picture;
}

async function showMask(id) {
  const picture = await loaded(`/v1/assets/${encodeURIComponent(id)}/media`);
  if (picture.naturalWidth !== canvas.width || picture.naturalHeight !== canvas.height) return;
  paper.drawImage(picture, 0, 0);
  const data = paper.getImageData(0, 0, canvas.width, canvas.height);
  for (let index = 0; index < data.data.length; index += 4) {
    const marked = data.data[index] > 127;
    data.data.set(marked ? [...COLOUR, 255] : [0, 0, 0, 0], index);
  }
  paper.putImageData(data, 0, 0);
}

// Opens the easel over the asset `source`, with the mask that is there; `send` takes the new one as a PNG.
export async function openEasel(source, mask, send, say) {
  try {
    const picture = await loaded(`/v1/assets/${encodeURIComponent(source)}/media`);
    canvas.width = picture.naturalWidth;
    canvas.height = picture.naturalHeight;
    at("easel-image").src = picture.src;
    const side = Math.max(canvas.width, canvas.height);
    at("brush").max = String(Math.max(16, Math.round(side / 3)));
    at("brush").value = String(Math.max(2, Math.round(side / 12)));
    if (mask) await showMask(mask);
  } catch {
    say("The picture cannot be loaded; try again.", "failed");
    return;
  }
  undone = [];
  at("easel-undo").disabled = true;
  spot = { x: canvas.width / 2, y: canvas.height / 2 };
  use = async () => {
    if (!painted()) {
      say("Nothing is painted yet; paint what may change.", "failed");
      canvas.focus();
      return;
    }
    at("easel-use").disabled = true;
    try {
      const blob = await asMask();
      await send(blob);
      dialog.close();
    } catch (error) {
      say(error.message, "failed");
    } finally {
      at("easel-use").disabled = false;
    }
  };
  dialog.showModal();
  fit();
  canvas.focus();
}

canvas.addEventListener("pointerdown", (event) => {
  if (event.button !== 0) return;
  canvas.setPointerCapture(event.pointerId);
  keep();
  last = spot = place(event);
  dab(last.x, last.y);
  cursor();
});
canvas.addEventListener("pointermove", (event) => {
  spot = place(event);
  cursor();
  if (!last) return;
  for (const each of event.getCoalescedEvents?.() ?? [event]) {
    const to = place(each);
    line(last, to);
    last = to;
  }
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => { last = null; });

const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  const move = MOVES[event.key];
  if (move) {
    const far = event.shiftKey ? brush() : Math.max(1, Math.round(brush() / 2));
    spot = {
      x: Math.min(canvas.width, Math.max(0, spot.x + move[0] * far)),
      y: Math.min(canvas.height, Math.max(0, spot.y + move[1] * far)),
    };
    tell(`${Math.round(spot.x)}, ${Math.round(spot.y)}`);
  } else if (key === " ") {
    keep();
    dab(spot.x, spot.y);
    tell(erasing() ? "Erased." : "Painted.");
  } else if (key === "e") {
    dialog.querySelector(`[name="tool"][value="${erasing() ? "paint" : "erase"}"]`).checked = true;
    tell(erasing() ? "Eraser." : "Brush.");
  } else if (key === "z") undo();
  else if (key === "[" || key === "]") at("brush").value = String(brush() + (key === "]" ? 1 : -1));
  else return;
  event.preventDefault();
  cursor();
});
at("brush").addEventListener("input", cursor);
at("easel-undo").addEventListener("click", undo);
at("easel-clear").addEventListener("click", () => {
  keep();
  paper.clearRect(0, 0, canvas.width, canvas.height);
  tell("Cleared.");
});
at("easel-use").addEventListener("click", () => use?.());
addEventListener("resize", () => { if (dialog.open) fit(); });
