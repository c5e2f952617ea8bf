// The wallet page: which wallet, who is signed in, and claims from the first click until the token is there.
import { say } from "./message.js";
import { WalletError, connect, findWallets, pause, plain, post, send, server, signIn } from "./wallet.js";
import { ask, cost, fate, isOn, toNetwork, told } from "./wallet_network.js";
import { again, beat, following, kept, line, lines, paint, refresh, row, saidBefore } from "./wallet_things.js";

const BEAT_MS = 1500;
const LAST = "wallet:last"; // the wallet that was used last, by its reverse domain name
const SENT = "wallet:sent:"; // what was sent for a voucher, by its id; the way there survives a reload
const WAITS = "Sent. It waits to be taken into a block…";
const place = document.getElementById("wallet");
const mine = document.getElementById("mine");
const network = { id: Number(place.dataset.chain), name: place.dataset.network, symbol: place.dataset.symbol, rpc: place.dataset.rpc };
const reachable = "reachable" in place.dataset;
const player = place.dataset.account;
const $ = (id) => document.getElementById(id);
let wallets = [];
let wallet = null; // { info, provider, account, right }
let claiming = ""; // the id of the asset that the dialog is about

const same = (a, b) => a?.toLowerCase() === b?.toLowerCase();
const short = (address) => `${address.slice(0, 6)}…${address.slice(-4)}`;
function fault(error) {
  const line = $("fault");
  if (!line) return;
  line.hidden = !error;
  line.textContent = error ? told(plain(error), network).message : "";
}

// ---- the wallet

function show() {
  const standing = $("standing");
  if (!standing) return;
  standing.hidden = !wallet;
  $("choose").hidden = !wallets.length || (player ? Boolean(wallet) || !reachable : false);
  $("no-wallet").hidden = wallets.length > 0 || (player && !reachable);
  if (!wallet) return;
  $("connected").textContent = `${wallet.info.name}, ${short(wallet.account)}`;
  const badge = $("on-network");
  badge.hidden = !reachable;
  badge.textContent = wallet.right ? `on ${network.name}` : "on another network";
  badge.className = `badge ${wallet.right ? "done" : "failed"}`;
  $("switch").hidden = !reachable || wallet.right;
  const other = Boolean(player) && !same(wallet.account, player);
  $("as-this").hidden = !other;
  $("other-account").hidden = !other;
  if (other) $("other-account").textContent = `Your wallet is on ${short(wallet.account)}, and this page shows what ${short(player)} has. Choose that account in the wallet, or sign in as this one.`;
}

function list() {
  const rows = wallets.map((each) => {
    const button = document.createElement("button");
    button.type = "button";
    if (/^data:image\//.test(each.info.icon)) {
      const icon = document.createElement("img");
      Object.assign(icon, { src: each.info.icon, alt: "", width: 28, height: 28 });
      icon.addEventListener("error", () => icon.remove());
      button.append(icon);
    }
    button.append(each.info.name || "Browser wallet");
    button.addEventListener("click", () => working(button, () => choose(each)));
    const row = document.createElement("li");
    row.append(button);
    return row;
  });
  $("wallets")?.replaceChildren(...rows);
}

async function working(button, act) {
  if (button.disabled) return;
  fault(null);
  button.disabled = true;
  try {
    await act();
  } catch (error) {
    fault(error);
  } finally {
    button.disabled = false;
  }
}

async function choose(each) {
  const account = await connect(each.provider);
  await use(each, account);
  if (!player && !byStudio()) await enter();
}

async function use(each, account) {
  const right = await isOn(each.provider, network);
  wallet = { ...each, account, right };
  kept.set(LAST, each.info.rdns);
  hear(each.provider);
  show();
}

const heard = new WeakSet();
function hear(provider) {
  if (heard.has(provider) || !provider.on) return;
  heard.add(provider);
  provider.on("accountsChanged", ([account]) => {
    if (wallet?.provider !== provider) return;
    if (!account) wallet = null;
    else wallet.account = account;
    $("told").textContent = account ? `The wallet is on account ${short(account)} now.` : "The wallet is not connected any more.";
    show();
  });
  provider.on("chainChanged", (id) => {
    if (wallet?.provider !== provider) return;
    wallet.right = Number(id) === network.id;
    $("told").textContent = wallet.right ? `The wallet is on ${network.name} now.` : "The wallet is on another network now.";
    show();
  });
}

async function enter() {
  await signIn(wallet.provider, wallet.account);
  again(`Signed in as ${short(wallet.account)}.`);
}

async function ready() {
  if (wallet) return wallet;
  if (wallets.length !== 1) {
    $("wallets")?.querySelector("button")?.focus();
    throw new WalletError(wallets.length ? "Choose the wallet to claim with first; they are listed beside your account." : "This browser has no wallet to claim with.");
  }
  await use(wallets[0], await connect(wallets[0].provider));
  return wallet;
}

// ---- claims

function byStudio() {
  return !player && place.dataset.voucher;
}

async function signed(id) {
  for (;;) {
    const standing = row(id)?.dataset.status;
    if (standing === undefined || standing === "signed") return;
    if (standing !== "prepared") throw new WalletError("The voucher cannot be claimed any more; see what is said of it.");
    await pause(BEAT_MS / 3);
  }
}

async function take(id) {
  if (following.has(id)) return;
  following.add(id);
  lines.delete(id);
  paint();
  try {
    await signed(id);
    const { provider, account } = await ready();
    line(id, "Looks at your wallet's network…");
    await toNetwork(provider, network);
    wallet.right = true;
    show();
    const { promise, status } = await server(`/v1/vouchers/${encodeURIComponent(id)}?to=${account}`);
    if (!promise?.transaction) throw new WalletError(status === "claimed" ? "It was claimed already." : `The voucher is ${status}, so it cannot be claimed now.`);
    const price = await cost(provider, account, promise.transaction, network);
    line(id, `Confirm in your wallet${price ? `: ${price}` : ""}.`);
    const hash = await send(provider, account, promise.transaction);
    kept.set(SENT + id, { hash, from: account, at: Date.now() });
    await follow(id);
  } catch (error) {
    line(id, told(plain(error), network).message, "failed");
  } finally {
    following.delete(id);
    await refresh();
    paint();
  }
}

// Until the server tells of the token. The wallet is asked as well, which hears sooner of what went wrong.
async function follow(id) {
  const sent = kept.get(SENT + id);
  const tell = (text) => lines.get(id)?.text !== text && line(id, text);
  tell(wallet ? WAITS : "Sent. Connect the wallet to see how it stands.");
  for (;;) {
    const standing = player ? row(id)?.dataset.status : (await server(`/v1/vouchers/${encodeURIComponent(id)}`)).status;
    if (standing === "claimed") {
      kept.drop(SENT + id);
      line(id, "");
      return say(`${row(id)?.dataset.name ?? "It"} is a token now.`);
    }
    if (wallet && (await isOn(wallet.provider, network))) {
      const now = await fate(wallet.provider, sent);
      if (now === "pending") {
        kept.set(SENT + id, sent);
        tell(WAITS);
      }
      if (now === "mined") tell("It is in a block. The server looks for the token…");
      if (now === "reverted") {
        kept.drop(SENT + id);
        throw new WalletError("The network refused the claim, and took its fee. It was claimed or cancelled meanwhile, or its deadline passed.");
      }
      if (now === "gone") {
        kept.drop(SENT + id);
        throw new WalletError("The transaction was replaced or dropped in your wallet. If you sped it up, the token shows here soon; otherwise claim again.");
      }
    }
    await pause(BEAT_MS);
  }
}

async function resume() {
  for (const each of mine.querySelectorAll("[data-voucher]")) {
    const id = each.dataset.voucher;
    const sent = kept.get(SENT + id);
    if (!sent || following.has(id)) continue;
    if (["claimed", "cancelled", "expired", "failed"].includes(each.dataset.status)) {
      kept.drop(SENT + id);
      continue;
    }
    following.add(id);
    follow(id).catch((error) => line(id, plain(error).message, "failed")).finally(() => {
      following.delete(id);
      refresh();
      paint();
    });
  }
}

// ---- what is clicked

mine.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (button?.dataset.claimAsset) {
    claiming = button.dataset.claimAsset;
    $("claim-title").textContent = `Claim ${button.dataset.name}`;
    $("to").value = player;
    $("to-fault").textContent = "";
    $("to").removeAttribute("aria-invalid");
    $("claim").showModal();
  }
  if (button?.dataset.take) take(button.dataset.take);
  if (button?.dataset.cancel) {
    const id = button.dataset.cancel;
    button.disabled = true;
    try {
      await server(`/v1/vouchers/${encodeURIComponent(id)}`, { method: "DELETE" });
      say("The voucher is cancelled; you hold it in the game as before.");
    } catch (error) {
      line(id, error.message, "failed");
    }
    await refresh();
    $("vouchers-title")?.scrollIntoView({ block: "nearest" });
  }
});

$("claim-form")?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const to = $("to").value.trim();
  const submit = event.target.querySelector("[type=submit]");
  const wrong = (text) => {
    $("to-fault").textContent = text;
    $("to").setAttribute("aria-invalid", "true");
    $("to").focus();
  };
  if (!/^0x[0-9a-fA-F]{40}$/.test(to)) return wrong("An address is 0x and 40 hexadecimal digits; copy the whole of it.");
  submit.disabled = true;
  let made;
  try {
    made = await post(`/v1/assets/${encodeURIComponent(claiming)}/claim`, { to });
  } catch (error) {
    return wrong(error.message);
  } finally {
    submit.disabled = false;
  }
  $("claim").close();
  await refresh();
  row(made.id)?.focus();
  await take(made.id);
});

$("switch")?.addEventListener("click", (event) => working(event.currentTarget, async () => {
  await toNetwork(wallet.provider, network);
  wallet.right = true;
  $("told").textContent = `The wallet is on ${network.name} now.`;
  show();
}));
$("as-this")?.addEventListener("click", (event) => working(event.currentTarget, enter));
for (const everywhere of [false, true]) {
  $(everywhere ? "sign-out-everywhere" : "sign-out")?.addEventListener("click", (event) => working(event.currentTarget, async () => {
    await post("/v1/wallet/logout", { everywhere });
    kept.drop(LAST);
    again(everywhere ? "Signed out on all devices." : "Signed out.");
  }));
}
// Another tab sent something.
window.addEventListener("storage", (event) => {
  if (event.key?.startsWith(SENT) && event.newValue) resume();
});
$("look-again")?.addEventListener("click", (event) => working(event.currentTarget, look));

async function look() {
  wallets = await findWallets();
  list();
  show();
  const last = wallets.find((each) => each.info.rdns === kept.get(LAST));
  if (!player || !last) return;
  const [account] = await ask(last.provider, "eth_accounts"); // asks nobody: what the page may use already
  if (account) await use(last, account);
}

const text = saidBefore();
if (text) say(text);
const expires = $("expires");
if (expires) expires.textContent = new Date(expires.dateTime).toLocaleDateString("en", { dateStyle: "long" });
paint();
if (place.dataset.voucher) row(place.dataset.voucher)?.scrollIntoView({ block: "nearest" });
if ($("wallets")) await look().catch(fault);
await resume();
beat();
