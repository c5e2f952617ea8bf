"""What a token costs beside other contracts, how long the embedded chain takes, and how fast logs are read."""

import hashlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from web3 import Web3

from assets.cid import Cid
from chain.artifact import ContractArtifact, parse_artifact
from chain.asset_contract import VOUCHER_ROLE, AssetContract
from chain.collection import (
    CollectionFactory,
    CollectionTerms,
    deployment_transaction,
    factory_transaction,
    implementation_transaction,
)
from chain.connection import ChainSettings, Connection, connect
from chain.contract_call import ContractCalls, creation_transaction
from chain.log_reader import LogReader
from chain.signer import EnvironmentSigner
from chain.transactions import Receipt, next_nonce, submit, wait_for_receipt
from chain.voucher import Voucher, VoucherContract, sign_voucher, vouchers_transaction
from engine.database.database import Database
from engine.database.tables import transfers
from engine.indexer.follower import Follower
from tools.bench import minting
from tools.bench.anvil import CHAIN_ID, is_installed, running_anvil
from tools.bench.figure import Figure, median_s
from tools.compile_contracts import compile_contract

# Of throw-away chains.
KEYS = ("0x" + "11" * 32, "0x" + "12" * 32)
RICH_WEI = 10**20
SIZES = (1, 10, 100)
PAGE = 256
FAR_S = 2**40
LOGS = 10_010  # a page of 100 and 10 transfers, 91 times

DIGESTS = [hashlib.sha256(str(n).encode()).digest() for n in range(100)]
CIDS = [str(Cid.raw(digest)) for digest in DIGESTS]


@dataclass(frozen=True)
class Accounts:
    """Two funded accounts on one chain; the first deploys and mints."""

    web3: Web3
    maker: EnvironmentSigner
    player: EnvironmentSigner

    def send(self, signer: EnvironmentSigner, call: Callable[[int], dict[str, Any]]) -> Receipt:
        """Signs what `call` makes of the account's nonce, and waits until it is mined."""
        signed = signer.sign_transaction(call(next_nonce(self.web3, signer.address)))
        submit(self.web3, signed)
        return wait_for_receipt(self.web3, signed.hash, timeout_s=30, poll_latency_s=0.005)

    def do(self, signer: EnvironmentSigner, contract: ContractCalls, function: str, *arguments: Any) -> int:
        """The gas that a call uses."""
        sender = signer.address
        return self.send(
            signer, lambda nonce: contract.transaction(function, *arguments, sender=sender, nonce=nonce)
        ).gas_used


def figures() -> Iterator[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        settings = ChainSettings("bench", CHAIN_ID, embedded_path=Path(folder) / "chain.db")
        with connect(settings) as connection:
            yield from _embedded(connection)
        took = median_s(lambda: connect(settings).close(), 5)
        yield Figure("chain_open_ms", took * 1000, "ms", note="reopened after the mints above")
    if is_installed():
        with running_anvil() as url, connect(ChainSettings("bench", CHAIN_ID, rpc_url=url)) as connection:
            yield from _gas(connection)
            yield from _indexed(connection)
        with running_anvil() as url:
            yield from minting.figures(url)
    else:
        yield Figure("gas_not_measured", 0, "", note="no anvil or no node: run `make npm` for the gas table")


def _accounts(connection: Connection) -> Accounts:
    maker, player = (EnvironmentSigner(key) for key in KEYS)
    for signer in (maker, player):
        if connection.embedded is not None:
            connection.embedded.fund(signer.address, RICH_WEI)
        else:
            set_balance: Any = "anvil_setBalance"
            connection.web3.provider.make_request(set_balance, [signer.address, hex(RICH_WEI)])
    return Accounts(connection.web3, maker, player)


def _own(accounts: Accounts) -> AssetContract:
    """A collection with code of its own, whose house is the minter."""
    me = accounts.maker.address
    terms = CollectionTerms(me, "Bench", "B", "ipfs://bench", minter=me, house=me)
    made = accounts.send(
        accounts.maker, lambda nonce: deployment_transaction(accounts.web3, terms, sender=me, nonce=nonce)
    )
    return AssetContract(accounts.web3, str(made.contract_address))


def _embedded(connection: Connection) -> Iterator[Figure]:
    accounts = _accounts(connection)
    contract, me = _own(accounts), accounts.maker.address

    def mint() -> None:
        accounts.do(accounts.maker, contract, "mint", me, DIGESTS[0])

    yield Figure("mint_ms", median_s(mint, 9) * 1000, "ms", note="signed, mined, on disk, receipt read")


def _gas(connection: Connection) -> Iterator[Figure]:
    """Receipts' gas on one anvil, 21,000 a transaction included, with the receivers' and the counters' slots warm."""
    accounts = _accounts(connection)
    contract, studio = _own(accounts), _studio(accounts)
    maker, player = accounts.maker.address, accounts.player.address
    for name, code, each, to, goals in (
        ("", "code of its own", contract, maker, {100: 9_500}),
        ("_player", "code of its own", contract, player, {}),
        ("_studio", "the factory's proxy", studio, maker, {}),
        ("_studio_player", "the factory's proxy", studio, player, {}),
    ):
        note = f"{code}, to {'the house' if to == maker else 'a player'}"
        accounts.do(accounts.maker, each, "mint", to, DIGESTS[0])
        for size, gas in _batches(accounts, each, to, DIGESTS).items():
            yield Figure(f"gas_per_token_batch{size}{name}", gas, "gas", goals.get(size), note=note)
        single = accounts.do(accounts.maker, each, "mint", to, DIGESTS[0])
        yield Figure(f"gas_single_mint{name}", single, "gas", note=note)
    for name, each, goal in (("", contract, 62_000), ("_studio", studio, None)):
        moved = [
            accounts.do(signer, each, "transferFrom", signer.address, other, page * PAGE + index)
            for signer, other, page in ((accounts.maker, player, 4), (accounts.player, maker, 9))
            for index in (0, 57, 99)
        ]
        note = "the dearest of first, middle and last, of the house's and a player's pages"
        yield Figure(f"gas_first_transfer{name}", max(moved), "gas", goal, note=note)
    yield from _others(accounts)
    yield from _claims(accounts, studio)


def _indexed(connection: Connection) -> Iterator[Figure]:
    """How fast a new index reads 10,000 logs, mints for the greater part and one transfer in eleven."""
    accounts = _accounts(connection)
    contract = _own(accounts)
    maker, player = accounts.maker.address, accounts.player.address
    for page in range(1, LOGS // 110 + 1):
        accounts.do(accounts.maker, contract, "mintBatch", maker, DIGESTS)
        for index in range(10):
            signed = accounts.maker.sign_transaction(
                contract.transaction(
                    "transferFrom", maker, player, page * PAGE + index, sender=maker, nonce=_nonce(accounts)
                )
            )
            submit(accounts.web3, signed)
    logs = LOGS // 110 * 110

    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "records.db")
        sources = {str(contract.address): "assets"}
        follower = Follower(database, CHAIN_ID, LogReader(accounts.web3), lambda: sources)
        began = time.perf_counter()
        follower.follow()
        took_s = time.perf_counter() - began
        with database.reading() as opened:
            read = opened.scalar(select(func.count()).select_from(transfers))
        database.close()
    if read != logs:
        raise RuntimeError(f"The index read {read} of {logs} logs; its rate says nothing.")
    note = f"{logs:,d} logs of {LOGS // 110 * 11:,d} blocks, into SQLite"
    yield Figure("indexer_logs_per_s", logs / took_s, "/s", 1_000, at_most=False, note=note)


def _nonce(accounts: Accounts) -> int:
    return next_nonce(accounts.web3, accounts.maker.address)


def _studio(accounts: Accounts) -> AssetContract:
    """A collection of the factory, whose house is the minter."""
    web3, me = accounts.web3, accounts.maker.address
    code = accounts.send(
        accounts.maker, lambda nonce: implementation_transaction(web3, sender=me, nonce=nonce)
    ).contract_address
    made = accounts.send(
        accounts.maker, lambda nonce: factory_transaction(web3, str(code), sender=me, nonce=nonce)
    )
    factory = CollectionFactory(web3, str(made.contract_address))
    terms = CollectionTerms(me, "Bench", "B", "ipfs://bench", minter=me, house=me)
    created = accounts.send(
        accounts.maker, lambda nonce: factory.creation(terms, bytes(32), sender=me, nonce=nonce)
    )
    return AssetContract(web3, factory.created(created))


def _batches(
    accounts: Accounts, contract: ContractCalls, to: str, contents: Sequence[Any]
) -> dict[int, float]:
    """Gas for each token, by the size of the batch."""
    return {
        size: accounts.do(accounts.maker, contract, "mintBatch", to, list(contents[:size])) / size
        for size in SIZES
    }


def _others(accounts: Accounts) -> Iterator[Figure]:
    """The same batches in other people's contracts, which chain/contracts/test makes of their libraries."""
    player, maker = accounts.player.address, accounts.maker.address
    for name, contents, arguments, note in (
        ("OpenZeppelinAssets", CIDS, (0,), "OpenZeppelin ERC721URIStorage, a CID each"),
        ("ERC721AAssets", CIDS, (), "ERC721A, a CID each"),
        ("SoladyAssets", DIGESTS, (), "Solady ERC721, a digest each"),
    ):
        artifact = parse_artifact(compile_contract(name, "test"))
        contract = _deploy(accounts, artifact, arguments)
        accounts.do(accounts.maker, contract, "mintBatch", player, list(contents[:1]))
        accounts.do(accounts.maker, contract, "mintBatch", maker, list(contents[:1]))
        label = name.removesuffix("Assets").lower()
        for size, gas in _batches(accounts, contract, player, contents).items():
            yield Figure(f"gas_per_token_batch{size}_{label}", gas, "gas", note=note)
        # The last of the batches begins after 2 + 1 + 10 tokens.
        gas = accounts.do(accounts.player, contract, "transferFrom", player, maker, 13 + 57)
        yield Figure(f"gas_first_transfer_{label}", gas, "gas", note="a token in the middle of the batch")


def _deploy(accounts: Accounts, artifact: ContractArtifact, arguments: Sequence[Any]) -> ContractCalls:
    web3, me = accounts.web3, accounts.maker.address
    made = accounts.send(
        accounts.maker, lambda nonce: creation_transaction(web3, artifact, arguments, sender=me, nonce=nonce)
    )
    return ContractCalls(web3, str(made.contract_address), artifact)


def _claims(accounts: Accounts, studio: AssetContract) -> Iterator[Figure]:
    """Claims of vouchers in a studio's collection, by a player who has claimed before."""
    web3, me, player = accounts.web3, accounts.maker.address, accounts.player.address
    made = accounts.send(accounts.maker, lambda nonce: vouchers_transaction(web3, sender=me, nonce=nonce))
    contract = VoucherContract(web3, str(made.contract_address))
    accounts.do(accounts.maker, studio, "grantRoles", contract.address, 1)
    accounts.do(accounts.maker, studio, "grantRoles", me, VOUCHER_ROLE)
    signed = [
        sign_voucher(
            accounts.maker,
            Voucher(studio.address, digest, number, FAR_S, recipient=player),
            chain_id=CHAIN_ID,
            contract=contract.address,
        )
        for number, digest in enumerate(DIGESTS[:22])
    ]
    gas = [
        accounts.send(
            accounts.player,
            lambda nonce, one=one: contract.claim_transaction(one, sender=player, nonce=nonce),  # type: ignore[misc]
        ).gas_used
        for one in signed[:2]
    ]
    yield Figure("gas_claim", gas[1], "gas", note="one voucher, after the first of its signer")
    many = accounts.send(
        accounts.player, lambda nonce: contract.claim_many_transaction(signed[2:], sender=player, nonce=nonce)
    )
    yield Figure("gas_per_claim_of20", many.gas_used / 20, "gas", note="twenty vouchers claimed together")
