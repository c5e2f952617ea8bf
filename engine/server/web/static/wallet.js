// Browser wallets: found by EIP-6963, spoken to by EIP-1193, signed in by EIP-4361. What goes wrong is a sentence.
const ANNOUNCE_MS = 200;
const POLL_MS = 1000;

export class WalletError extends Error {}

// What an EIP-1193 error means, and what to do.
const MEANINGS = {
  4001: "You refused in the wallet, so nothing happened. Try again when you want to.",
  4100: "The wallet does not let this page use that account; connect it in the wallet and try again.",
  4200: "The wallet cannot do that; try another wallet.",
  4900: "The wallet is not connected to any network; open it and see.",
  4901: "The wallet is not connected to this network; switch it there and try again.",
  "-32002": "The wallet waits for an answer already; open it and answer there.",
};

export function plain(error) {
  if (error instanceof WalletError) return error;
  const code = error?.code ?? error?.data?.originalError?.code;
  const told = MEANINGS[code] ?? `The wallet says: ${String(error?.message ?? error).slice(0, 300)}`;
  return new WalletError(told, { cause: error });
}

async function ask(provider, method, params = []) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    throw plain(error);
  }
}

/** The wallets that announce themselves, as {info: {uuid, name, icon, rdns}, provider}; else the one of old times. */
export async function findWallets() {
  const found = new Map();
  const hear = (event) => found.set(event.detail.info.uuid, event.detail);
  window.addEventListener("eip6963:announceProvider", hear);
  window.dispatchEvent(new Event("eip6963:requestProvider"));
  await new Promise((done) => setTimeout(done, found.size ? 0 : ANNOUNCE_MS));
  window.removeEventListener("eip6963:announceProvider", hear);
  if (!found.size && window.ethereum) found.set("", { info: { uuid: "", name: "Browser wallet", icon: "", rdns: "" }, provider: window.ethereum });
  return [...found.values()];
}

/** The account that the wallet lets the page use, asked of the person where it must be. */
export async function connect(provider) {
  const [address] = await ask(provider, "eth_requestAccounts");
  if (!address) throw new WalletError("The wallet gave no account; choose one in it and try again.");
  return address;
}

/** Sees to it that the wallet is on the chain; asks it to switch where it is not. */
export async function onChain(provider, chainId) {
  const wanted = `0x${Number(chainId).toString(16)}`;
  if (Number(await ask(provider, "eth_chainId")) === Number(chainId)) return;
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId: wanted }] });
  } catch (error) {
    const code = error?.code ?? error?.data?.originalError?.code;
    if (code === 4001) throw new WalletError(`Your wallet is on another network. Switch it to the network with the id ${chainId} and try again.`);
    if (code === 4902) throw new WalletError(`Your wallet does not know the network with the id ${chainId}. Add it there, then try again.`);
    throw plain(error);
  }
  if (Number(await ask(provider, "eth_chainId")) !== Number(chainId)) {
    throw new WalletError(`Your wallet is still on another network. Switch it to the network with the id ${chainId} and try again.`);
  }
}

/** An answer of the server as JSON; what it refuses is thrown as its sentence. */
export async function server(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, options);
  } catch (error) {
    throw new WalletError("The server does not answer; see whether you are online and try again.", { cause: error });
  }
  const body = await answer.json().catch(() => ({}));
  if (!answer.ok) throw Object.assign(new WalletError(body.detail ?? `The server answered ${answer.status}; try again later.`), { status: answer.status });
  return body;
}

export function post(path, body) {
  const options = { method: "POST" };
  if (body !== undefined) Object.assign(options, { headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) });
  return server(path, options);
}

/** Who is signed in on this site, or null. */
export async function session() {
  try {
    return await server("/v1/wallet/session");
  } catch (error) {
    if (error.status === 401) return null;
    throw error;
  }
}

/** Signs the account in by a message that the wallet signs; nothing is paid. */
export async function signIn(provider, address) {
  const { message } = await post("/v1/wallet/nonce", { address });
  const hex = `0x${[...new TextEncoder().encode(message)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  const signature = await ask(provider, "personal_sign", [hex, address]);
  return post("/v1/wallet/login", { message, signature });
}

/** Has the wallet send a transaction; the hash of it. */
export function send(provider, from, transaction) {
  return ask(provider, "eth_sendTransaction", [{ ...transaction, from }]);
}

/** Whether the wallet's network knows the transaction at all. */
export async function isKnown(provider, hash) {
  return (await ask(provider, "eth_getTransactionByHash", [hash])) !== null;
}

/** Waits until the transaction is in a block. */
export async function mined(provider, hash, mostMs = 180_000) {
  const until = Date.now() + mostMs;
  while (Date.now() < until) {
    const receipt = await ask(provider, "eth_getTransactionReceipt", [hash]);
    if (receipt) {
      if (Number(receipt.status) !== 1) throw Object.assign(new WalletError("The network took the transaction and refused the claim; try again."), { reverted: true });
      return receipt;
    }
    await pause(POLL_MS);
  }
  throw new WalletError("The network takes long. Leave it to it: this page shows the token once it is there.");
}

export function pause(ms) {
  return new Promise((done) => setTimeout(done, ms));
}
