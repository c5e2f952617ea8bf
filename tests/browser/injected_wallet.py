"""A browser wallet that signs for real: EIP-1193 over a test's own account and a node, announced by EIP-6963."""

import json
import urllib.request
from dataclasses import dataclass, field
from typing import Any, Final

from eth_account import Account
from eth_account.messages import encode_defunct
from playwright.sync_api import BrowserContext

_ANSWER_S: Final = 30
# Passes requests on to the test, which throws what an EIP-1193 provider throws as JSON.
_SCRIPT: Final = """
(() => {
  const provider = {
    async request({ method, params }) {
      const answer = JSON.parse(await window.askTestWallet(JSON.stringify({ method, params: params ?? [] })));
      if (answer.error) throw Object.assign(new Error(answer.error.message), { code: answer.error.code });
      return answer.result;
    },
    on() {},
    removeListener() {},
  };
  const uuid = "0c9d4a1c-6f5e-4a9e-8c0e-000000000001";
  const info = { uuid, name: "Test wallet", icon: "data:image/svg+xml,<svg/>", rdns: "test.wallet" };
  const announce = () => window.dispatchEvent(
    new CustomEvent("eip6963:announceProvider", { detail: Object.freeze({ info, provider }) }));
  window.addEventListener("eip6963:requestProvider", announce);
  announce();
})();
"""


class Refused(Exception):
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class InjectedWallet:
    """``refuses`` are the methods that its person says no to; it stands on ``chain_id`` until it is switched."""

    node_url: str
    chain_id: int
    knows: tuple[int, ...] = ()  # chains that it can be switched to
    account: Any = field(default_factory=Account.create)
    refuses: set[str] = field(default_factory=set)
    asked: list[str] = field(default_factory=list)

    def inject(self, context: BrowserContext) -> None:
        context.expose_function("askTestWallet", self._answer)
        context.add_init_script(_SCRIPT)

    def node(self, method: str, *params: Any) -> Any:
        body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        request = urllib.request.Request(
            self.node_url, json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=_ANSWER_S) as answer:
            told = json.load(answer)
        if "error" in told:
            raise Refused(told["error"].get("code", -32603), told["error"]["message"])
        return told["result"]

    def _answer(self, text: str) -> str:
        asked = json.loads(text)
        try:
            return json.dumps({"result": self._do(asked["method"], asked["params"])})
        except Refused as refused:
            return json.dumps({"error": {"code": refused.code, "message": str(refused)}})

    def _do(self, method: str, params: list[Any]) -> Any:
        self.asked.append(method)
        if method in self.refuses:
            raise Refused(4001, "User rejected the request.")
        match method:
            case "eth_requestAccounts" | "eth_accounts":
                return [self.account.address]
            case "eth_chainId":
                return hex(self.chain_id)
            case "wallet_switchEthereumChain":
                wanted = int(params[0]["chainId"], 16)
                if wanted not in self.knows:
                    raise Refused(4902, "Unrecognized chain ID.")
                self.chain_id = wanted
                return None
            case "personal_sign":
                signed = self.account.sign_message(encode_defunct(hexstr=params[0]))
                return "0x" + bytes(signed.signature).hex()
            case "eth_sendTransaction":
                return self._send(params[0])
        return self.node(method, *params)

    def _send(self, wanted: dict[str, str]) -> str:
        gas = int(self.node("eth_estimateGas", wanted), 16)
        signed = self.account.sign_transaction(
            {
                "type": 2,
                "chainId": int(wanted["chainId"], 16),
                "nonce": int(self.node("eth_getTransactionCount", self.account.address, "pending"), 16),
                "to": wanted["to"],
                "data": wanted["data"],
                "value": int(wanted["value"], 16),
                "gas": gas * 12 // 10,
                "maxFeePerGas": 20 * 10**9,
                "maxPriorityFeePerGas": 10**9,
            }
        )
        sent: str = self.node("eth_sendRawTransaction", "0x" + bytes(signed.raw_transaction).hex())
        return sent
