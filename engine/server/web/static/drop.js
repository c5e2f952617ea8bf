// Claims from a drop: connect, network, sign in, reserve, send, follow. A press goes on wherever the last one ended.
import * as wallet from "./wallet.js";

const root = document.querySelector("[data-drop]");
const drop = root.dataset.drop;
const chain = Number(root.dataset.chain);
const PROMISE_MS = 120_000;
let busy = false;
let chosen = null;

const sent = {
  key: (voucher) => `claim:${voucher}`,
  get(voucher) { try { return localStorage.getItem(this.key(voucher)); } catch { return null; } },
  set(voucher, hash) { try { localStorage.setItem(this.key(voucher), hash); } catch { /* not kept */ } },
  forget(voucher) { try { localStorage.removeItem(this.key(voucher)); } catch { /* was not kept */ } },
};

function tell(text, kind = "") {
  const line = document.getElementById("said");
  line.className = `note ${kind}`;
  line.textContent = text;
  line.hidden = !text;
}

function dress() {
  for (const id of ["claim", "another"]) {
    const button = document.getElementById(id);
    if (button) button.disabled = busy;
  }
  for (const line of document.querySelectorAll("[data-voucher][data-status=signed]")) {
    if (sent.get(line.dataset.voucher)) line.querySelector(".claim-state").textContent = "Sent. The network confirms it; this takes a moment.";
  }
}

function refresh() {
  return window.htmx.ajax("GET", `/drops/${drop}/mine`, { target: "#mine", swap: "outerHTML" });
}

function choose(found) {
  const list = document.getElementById("wallets");
  list.replaceChildren();
  list.hidden = false;
  tell("Choose the wallet to use.");
  return new Promise((done) => {
    for (const each of found) {
      const item = document.createElement("li");
      const button = document.createElement("button");
      button.type = "button";
      if (/^data:image\//.test(each.info.icon)) {
        const icon = document.createElement("img");
        Object.assign(icon, { src: each.info.icon, width: 24, height: 24, alt: "" });
        button.append(icon);
      }
      button.append(each.info.name);
      button.addEventListener("click", () => { list.hidden = true; done(each.provider); });
      item.append(button);
      list.append(item);
    }
    list.querySelector("button").focus();
  });
}

async function provider() {
  if (chosen) return chosen;
  const found = await wallet.findWallets();
  if (!found.length) throw new wallet.WalletError("There is no wallet in this browser. Install one, such as MetaMask, or open this page in your wallet's own browser.");
  chosen = found.length === 1 ? found[0].provider : await choose(found);
  return chosen;
}

async function signedIn() {
  const used = await provider();
  tell("Look into your wallet: it asks whether this page may see your account.");
  const address = await wallet.connect(used);
  await wallet.onChain(used, chain);
  const there = await wallet.session();
  if (there?.address.toLowerCase() !== address.toLowerCase()) {
    tell("Look into your wallet: sign in there. It costs nothing.");
    await wallet.signIn(used, address);
    await refresh();
  }
  return { used, address };
}

async function promised(voucher) {
  const until = Date.now() + PROMISE_MS;
  while (Date.now() < until) {
    const found = await wallet.server(`/v1/vouchers/${voucher}`);
    if (found.promise || !["prepared", "signed"].includes(found.status)) return found;
    tell(found.error ? `The server waits: ${found.error}` : "Yours is reserved; the server signs the promise.");
    await wallet.pause(1000);
  }
  throw new wallet.WalletError("The server takes long to sign. Your asset stays reserved; come back in a while.");
}

async function claim() {
  const { used, address } = await signedIn();
  tell("Reserving one for you…");
  const { voucher } = await wallet.post(`/v1/drops/${drop}/claim`);
  await refresh();
  const found = await promised(voucher);
  if (found.promise) {
    let hash = sent.get(voucher);
    if (hash && !(await wallet.isKnown(used, hash))) hash = null; // it never reached the network, or was dropped
    if (!hash) {
      tell("Look into your wallet: confirm the claim there. You pay the network's gas and nothing else.");
      hash = await wallet.send(used, address, found.promise.transaction);
      sent.set(voucher, hash);
    }
    tell("Sent. The network confirms it; you may leave this page.");
    dress();
    try {
      await wallet.mined(used, hash);
    } catch (error) {
      if (error.reverted) sent.forget(voucher);
      throw error;
    }
    tell("It is on the chain. The token appears here once the server has seen it.", "done");
  }
  await refresh();
}

async function press(work) {
  if (busy) return;
  busy = true;
  dress();
  try {
    await work();
  } catch (error) {
    tell(wallet.plain(error).message, "failed");
  } finally {
    busy = false;
    dress();
  }
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button?.id === "claim") press(claim);
  if (button?.id === "another") press(async () => { chosen = null; await signedIn(); tell(""); await refresh(); });
});
document.addEventListener("htmx:afterSettle", () => {
  dress();
  if (!busy && !document.querySelector("[data-status=signed],[data-status=prepared]") && document.querySelector("[data-status=claimed]")) tell("");
});
dress();
