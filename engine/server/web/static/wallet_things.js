// What the player has, as the page shows it: exchanged where it changed, with what goes on in this tab on its rows.
import { pause } from "./wallet.js";

const BEAT_MS = 1500;
const SAID = "wallet:said"; // a message for after the reload
const place = document.getElementById("wallet");
const mine = document.getElementById("mine");
const player = place.dataset.account;
const $ = (id) => document.getElementById(id);
export const following = new Set(); // vouchers whose way is followed in this tab
export const lines = new Map(); // what is said of a voucher now

export const kept = {
  get(key) { try { return JSON.parse(localStorage.getItem(key)); } catch { return null; } },
  set(key, value) { try { localStorage.setItem(key, JSON.stringify(value)); } catch { /* not kept */ } },
  drop(key) { try { localStorage.removeItem(key); } catch { /* was not kept */ } },
};

export function again(text) {
  try { sessionStorage.setItem(SAID, text); } catch { /* not said */ }
  location.reload();
}

/** The message that was left for after the reload. */
export function saidBefore() {
  try {
    const text = sessionStorage.getItem(SAID);
    sessionStorage.removeItem(SAID);
    return text;
  } catch {
    return null; // nothing was kept
  }
}

export function row(id) {
  return mine.querySelector(`[data-voucher="${CSS.escape(id)}"]`);
}

export function line(id, text, kind = "") {
  if (text) lines.set(id, { text, kind });
  else lines.delete(id);
  paint();
  if (text) $("told").textContent = `${row(id)?.dataset.name ?? ""}: ${text}`;
}

// After each exchange of a part: what goes on in this tab is shown on its rows again.
export function paint() {
  for (const each of mine.querySelectorAll("[data-voucher]")) {
    const said = each.querySelector(".said");
    const now = lines.get(each.dataset.voucher);
    const text = now?.text ?? (each.dataset.status === "prepared" ? "The server signs it; this takes a moment." : "");
    said.hidden = !text;
    said.textContent = text;
    said.classList.toggle("failed", now?.kind === "failed");
    each.toggleAttribute("data-busy", following.has(each.dataset.voucher));
  }
}

// Only parts that changed are exchanged, and the focus stays where it was.
export async function refresh() {
  if (!player) return;
  const query = place.dataset.voucher ? `?voucher=${encodeURIComponent(place.dataset.voucher)}` : "";
  const answer = await fetch(`/wallet/mine${query}`, { headers: { "HX-Request": "true" } }).catch(() => null);
  if (answer?.status === 401 || answer?.status === 403) return again("You are signed out; sign in again.");
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of fresh.querySelectorAll("section[id]")) {
    const old = $(part.id);
    if (!old || old.dataset.seen === part.outerHTML) continue;
    part.dataset.seen = part.outerHTML;
    const focus = old.contains(document.activeElement) ? document.activeElement.id : "";
    const open = old.querySelector("details")?.open;
    const adopted = document.importNode(part, true);
    if (open) adopted.querySelector("details")?.setAttribute("open", "");
    old.replaceWith(adopted);
    window.htmx?.process(adopted);
    if (focus) ($(focus) ?? $(`${part.id.replace("part-", "")}-title`))?.focus();
  }
  paint();
}

function underWay() {
  return following.size > 0 || mine.querySelector('[data-status="prepared"], [data-status="cancelling"]');
}

export async function beat() {
  for (;;) {
    await pause(BEAT_MS);
    if (!document.hidden && underWay()) await refresh();
  }
}
