// The cards of creations: steps and previews of one by its events, all others by a beat that asks for what changed.
const BEAT_MS = 2000;
const BATCH = 8; // pictures that are drawn together, about
const IDLE_BEATS = 3; // with nothing under way, one beat in so many asks, for what other tabs began
const list = document.getElementById("cards");
const beat = document.getElementById("beat");
const told = document.getElementById("told");
let watched = null; // { id, source, base }
let silent = 0;

function living() {
  return [...list.querySelectorAll('[data-status="queued"], [data-status="running"]')];
}

// The one that is heard of stays so until it ends; else the oldest that is drawn, or the next in line.
function next() {
  const cards = living().reverse();
  const running = cards.find((card) => card.id === watched?.id) ?? cards.find((card) => card.dataset.status === "running");
  return running ?? cards.sort((a, b) => (Number(a.dataset.place) || 1e9) - (Number(b.dataset.place) || 1e9))[0];
}

function seconds(left) {
  return left < 90 ? `${Math.max(1, Math.round(left))} s` : `${Math.round(left / 60)} min`;
}

function stop() {
  if (!watched) return;
  watched.source.close();
  // What it showed may be old by now, so the next beat asks for it.
  const mark = document.getElementById(watched.id)?.querySelector('[name="shown"]');
  if (mark) mark.value = `${watched.id}:unknown`;
  watched = null;
}

// Browsers allow few connections to one host: one creation is watched, and none by a tab that nobody sees.
function watch() {
  const card = document.hidden ? undefined : next();
  if (watched && (!card || card.id !== watched.id)) stop();
  if (!card) return;
  // Before anything else is asked: the beat leaves out what is heard of here.
  card.querySelector('[name="shown"]').value = `${card.id}:watched`;
  if (watched) return;
  const source = new EventSource(`/v1/creations/${encodeURIComponent(card.id)}/events`);
  const own = watched = { id: card.id, source, since: performance.now(), base: null };
  const here = () => document.getElementById(own.id);
  const on = (type, heard) => source.addEventListener(type, (event) => {
    if (watched === own && here()) heard(JSON.parse(event.data), here());
  });
  on("started", (_, place) => {
    place.dataset.status = "running";
    const badge = place.querySelector(".badge");
    badge.textContent = "drawing";
    badge.classList.add("active");
    say(place, "Begins");
  });
  on("step", (data, place) => step(own, data, place));
  on("preview", (data, place) => {
    for (const picture of data.pictures) {
      const slot = place.querySelector(`.slot[data-position="${Number(picture.position)}"]`);
      if (!slot) continue;
      slot.src = `data:image/png;base64,${picture.png}`;
      slot.dataset.drawn = "";
    }
  });
  for (const end of ["succeeded", "failed", "cancelled"]) {
    on(end, () => {
      stop();
      refresh(own.id);
    });
  }
  source.addEventListener("error", () => {
    if (source.readyState !== EventSource.CLOSED || watched !== own) return;
    stop(); // for good: signed out, or removed
  });
}

function say(card, text) {
  const said = card.querySelector(".said");
  if (said) said.textContent = text;
}

function step(own, data, card) {
  const fresh = Math.min(BATCH, data.of - data.done);
  const part = Math.min(1, (data.done + (data.step === data.steps ? 0 : (fresh * data.step) / data.steps)) / data.of);
  const now = performance.now();
  // What comes in the first moment happened before; from then on the pace is measured.
  if (!own.base || now - own.since < 250 || part < own.base.part) own.base = { at: now, part };
  const bar = card.querySelector("progress");
  if (bar) bar.value = part;
  const gained = part - own.base.part;
  const left = gained > 0.03 ? ((1 - part) * (now - own.base.at)) / gained / 1000 : null;
  say(card, [
    `Step ${data.step} of ${data.steps}`,
    ...(data.of > 1 ? [`${data.done} of ${data.of} drawn`] : []),
    ...(left === null ? [] : [`about ${seconds(left)} left`]),
  ].join(" · "));
}

// The card as the server has it now; then the next one is watched.
function refresh(id) {
  htmx.ajax("GET", `/create/jobs/${id}`, { target: `#${id}`, swap: "outerHTML" }).then(watch, watch);
}

const SAID = { queued: "waits in line", running: "is being drawn", succeeded: "is done", failed: "failed", cancelled: "was cancelled" };

function announce(card, before) {
  const status = card.dataset.status;
  if (status === before) return;
  told.textContent = `${card.querySelector("h3").textContent} ${SAID[status]}.`;
  htmx.trigger(document.body, "create:standing"); // the queue, the quota and the times are others now
}

export function watchCards(startFrom) {
  const known = new Map([...list.children].map((card) => [card.id, card.dataset.status]));
  let focused = null;
  document.addEventListener("htmx:beforeSwap", () => {
    const card = document.activeElement?.closest(".creation");
    focused = card ? card.id : null;
  });
  document.addEventListener("htmx:oobBeforeSwap", (event) => {
    const card = document.activeElement?.closest(".creation");
    if (card && card === event.detail.target) focused = card.id;
  });
  new MutationObserver(() => {
    const seen = new Set();
    for (const card of [...list.children]) {
      if (!(card instanceof HTMLLIElement)) continue;
      if (seen.has(card.id)) { // a click that came twice made one
        card.remove();
        continue;
      }
      seen.add(card.id);
      announce(card, known.get(card.id));
      if (!known.has(card.id) && card.dataset.status === "queued" && innerWidth < 960) card.scrollIntoView({ block: "start" });
      known.set(card.id, card.dataset.status);
    }
    if (focused && document.activeElement === document.body) document.getElementById(focused)?.focus({ preventScroll: true });
    if (document.activeElement !== document.body) focused = null;
    watch();
  }).observe(list, { childList: true });
  beat.addEventListener("htmx:configRequest", (event) => {
    const newest = [...list.children].map((card) => card.dataset.made).sort().at(-1) ?? "2000";
    event.detail.formData.set("after", newest);
    for (const card of list.children) {
      const living = ["queued", "running"].includes(card.dataset.status);
      if (!living && card.dataset.made !== newest) continue; // times are told to the second
      event.detail.formData.append("shown", card.querySelector('[name="shown"]').value);
    }
  });
  list.addEventListener("click", (event) => {
    const link = event.target.closest("[data-start-from]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    startFrom(link.dataset.startFrom);
  });
  document.addEventListener("visibilitychange", () => {
    watch();
    if (!document.hidden) htmx.trigger(beat, "create:beat");
  });
  setInterval(() => {
    if (document.hidden) return;
    silent = living().some((card) => card.id !== watched?.id) ? 0 : (silent + 1) % IDLE_BEATS;
    if (silent === 0) htmx.trigger(beat, "create:beat");
  }, BEAT_MS);
  addEventListener("pagehide", stop);
  addEventListener("pageshow", watch);
  watch();
}
