// The wallet's network: is it the right one, is there money for the fee, and what became of what was sent.
import { WalletError, plain } from "./wallet.js";

export async function ask(provider, method, params = []) {
  try {
    return await provider.request({ method, params });
  } catch (error) {
    throw plain(error);
  }
}

function codeOf(error) {
  return error?.data?.originalError?.code ?? error?.code;
}

export async function isOn(provider, network) {
  return Number(await ask(provider, "eth_chainId")) === network.id;
}

/** Sees to it that the wallet is on the network: asks it to switch and, where there is a public node, to add it. */
export async function toNetwork(provider, network) {
  if (await isOn(provider, network)) return;
  const chainId = `0x${network.id.toString(16)}`;
  try {
    await provider.request({ method: "wallet_switchEthereumChain", params: [{ chainId }] });
  } catch (error) {
    if (codeOf(error) === 4001) throw new WalletError(`You did not switch the network. To claim, your wallet has to be on ${network.name}.`);
    if (codeOf(error) !== 4902) throw plain(error);
    if (!network.rpc) {
      throw new WalletError(`Your wallet does not know ${network.name}. Add a network there by hand: id ${network.id}, currency ${network.symbol}, and the RPC address that the studio names. Then try again.`);
    }
    const nativeCurrency = { name: network.symbol, symbol: network.symbol, decimals: 18 };
    await ask(provider, "wallet_addEthereumChain", [{ chainId, chainName: network.name, nativeCurrency, rpcUrls: [network.rpc] }]);
  }
  if (!(await isOn(provider, network))) throw new WalletError(`Your wallet is still on another network. Switch it to ${network.name} (id ${network.id}) and try again.`);
}

function poor(network) {
  return new WalletError(`Your account has too little ${network.symbol} on ${network.name} for the price and the network's fee. Send it some, then try again.`);
}

function coins(wei) {
  const told = (Number(wei) / 1e18).toFixed(6).replace(/\.?0+$/, "");
  return told === "0" ? "less than 0.000001" : told;
}

/** What the claim would cost, as a text; a sentence is thrown where it cannot be paid or would be refused. */
export async function cost(provider, from, transaction, network) {
  const value = BigInt(transaction.value);
  const balance = BigInt(await ask(provider, "eth_getBalance", [from, "latest"]));
  if (balance <= value) throw poor(network);
  let gas;
  try {
    gas = BigInt(await provider.request({ method: "eth_estimateGas", params: [{ from, to: transaction.to, data: transaction.data, value: transaction.value }] }));
  } catch (error) {
    const said = String(error?.message ?? "");
    if (/insufficient (funds|balance)/i.test(said)) throw poor(network);
    if (codeOf(error) === 3 || /revert/i.test(said)) throw new WalletError("The network would refuse this claim: it was claimed or cancelled already, or its deadline has passed. Reload the page to see.");
    return ""; // a wallet that estimates nothing asks its person itself
  }
  const fee = gas * BigInt(await ask(provider, "eth_gasPrice"));
  if (balance < value + fee) throw poor(network);
  return `about ${coins(fee + value)} ${network.symbol}`;
}

/** A wallet's "insufficient funds" in plain words; any other sentence as it is. */
export function told(error, network) {
  return /insufficient (funds|balance)/i.test(String(error?.message)) ? poor(network) : error;
}

/** How a sent transaction stands: pending, mined, reverted, or gone (replaced or dropped). */
export async function fate(provider, sent) {
  const receipt = await ask(provider, "eth_getTransactionReceipt", [sent.hash]);
  if (receipt) return Number(receipt.status) === 1 ? "mined" : "reverted";
  const known = await ask(provider, "eth_getTransactionByHash", [sent.hash]);
  if (known) sent.nonce = known.nonce;
  if (known || sent.nonce === undefined) return "pending";
  const next = Number(await ask(provider, "eth_getTransactionCount", [sent.from, "latest"]));
  return next > Number(sent.nonce) ? "gone" : "pending";
}
