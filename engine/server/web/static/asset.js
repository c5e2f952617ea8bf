// One asset: zoom, and the player of clips.
import { tagKeys } from "./tags.js";

const viewer = document.querySelector("[data-viewer]");
const stage = viewer.querySelector(".stage");
const slider = document.getElementById("zoom");
const size = Number(viewer.dataset.size);
let shown = stage.querySelector(".shown");
let isFitted = true;

function fitting() {
  const room = Math.min(stage.clientWidth, stage.clientHeight);
  return Math.max(1, Math.floor((room - 8) / size));
}

function zoom(times) {
  const steps = Math.min(Number(slider.max), Math.max(1, times));
  slider.value = String(steps);
  viewer.querySelector(".zoom-told").textContent = `${steps} ×`;
  const across = stage.scrollLeft + stage.clientWidth / 2;
  const along = stage.scrollTop + stage.clientHeight / 2;
  const before = shown.getBoundingClientRect().width || 1;
  // Larger than the room at once: shown smaller, and smoothly, until it is asked for larger.
  const fits = isFitted && steps === 1 && size > stage.clientWidth;
  shown.style.width = fits ? `${stage.clientWidth}px` : `${size * steps}px`;
  shown.style.height = shown.tagName === "IMG" ? "auto" : shown.style.width;
  shown.classList.toggle("smooth", fits);
  const grown = shown.getBoundingClientRect().width / before;
  stage.scrollTo(across * grown - stage.clientWidth / 2, along * grown - stage.clientHeight / 2);
}

function ask(change) {
  isFitted = change === 0;
  zoom(change === 0 ? fitting() : Number(slider.value) + change);
}

slider.max = String(Math.max(4, Math.min(64, Math.floor(2048 / size))));
slider.addEventListener("input", () => { isFitted = false; zoom(Number(slider.value)); });
viewer.addEventListener("click", (event) => {
  const button = event.target.closest("[data-zoom]");
  if (button) ask(Number(button.dataset.zoom));
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || document.querySelector("dialog[open]")) return;
  if (event.target !== document.body && event.target.id !== "main" && !viewer.contains(event.target)) return;
  const change = { "+": 1, "=": 1, "-": -1, "0": 0 }[event.key];
  if (change !== undefined) ask(change);
});
new ResizeObserver(() => { if (isFitted) zoom(fitting()); }).observe(stage);
zoom(fitting());
tagKeys();

// ---- clips: the sheet, and what its JSON says of frames and times

async function play(player, sheetUrl) {
  const [told, sheet] = await Promise.all([
    fetch(`${sheetUrl}?format=aseprite`).then((answer) => { if (!answer.ok) throw new Error(String(answer.status)); return answer.json(); }),
    new Promise((done, failed) => {
      const image = new Image();
      image.onload = () => done(image);
      image.onerror = failed;
      image.src = sheetUrl;
    }),
  ]);
  const frames = Array.isArray(told.frames) ? told.frames : Object.values(told.frames);
  const canvas = document.createElement("canvas");
  canvas.width = frames[0].frame.w;
  canvas.height = frames[0].frame.h;
  canvas.className = "pixels shown";
  canvas.setAttribute("role", "img");
  canvas.setAttribute("aria-label", shown.alt);
  const brush = canvas.getContext("2d");
  const scrubber = document.getElementById("frame");
  const speed = document.getElementById("speed");
  const direction = document.getElementById("direction");
  const button = player.querySelector("[data-plays]");
  let at = 0;
  let step = 1;
  let due = 0;
  let isPlaying = false;

  function show(index) {
    at = (index + frames.length) % frames.length;
    const { x, y, w, h } = frames[at].frame;
    brush.clearRect(0, 0, canvas.width, canvas.height);
    brush.drawImage(sheet, x, y, w, h, 0, 0, w, h);
    scrubber.value = String(at);
    player.querySelector("[data-frame-told]").textContent = `${at + 1} of ${frames.length}`;
  }

  function next() {
    if (direction.value === "forward") return at + 1;
    if (direction.value === "backward") return at - 1;
    if (at + step < 0 || at + step >= frames.length) step = -step;
    return Math.min(frames.length - 1, Math.max(0, at + step));
  }

  function run(now) {
    if (!isPlaying) return;
    if (now >= due) {
      show(next());
      due = Math.max(due, now - 250) + frames[at].duration / Number(speed.value);
    }
    requestAnimationFrame(run);
  }

  function set(playing) {
    isPlaying = playing;
    button.textContent = playing ? "Pause" : "Play";
    button.setAttribute("aria-pressed", String(playing));
    if (playing) {
      due = performance.now() + frames[at].duration / Number(speed.value);
      requestAnimationFrame(run);
    }
  }

  scrubber.max = String(frames.length - 1);
  scrubber.addEventListener("input", () => { set(false); show(Number(scrubber.value)); });
  button.addEventListener("click", () => set(!isPlaying));
  for (const each of player.querySelectorAll("[data-frame]")) {
    each.addEventListener("click", () => { set(false); show(at + Number(each.dataset.frame)); });
  }
  shown.replaceWith(canvas);
  shown = canvas;
  zoom(Number(slider.value));
  show(0);
  player.hidden = false;
  set(!matchMedia("(prefers-reduced-motion: reduce)").matches);
}

const player = viewer.querySelector("[data-player]");
if (player && viewer.dataset.sheet) play(player, viewer.dataset.sheet).catch(() => { /* the animated PNG plays by itself */ });
