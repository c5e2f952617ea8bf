"""A server over a data folder of the test's own, asked without a network."""

import secrets
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

import pytest
from starlette.testclient import TestClient

from assets.asset import Asset
from chain.address import ZERO_ADDRESS
from chain.artifact import parse_artifact
from chain.contract_call import creation_transaction
from chain.signer import EnvironmentSigner
from chain.transactions import submit, wait_for_receipt
from engine.api.account import Limits, NewKey, Scope
from engine.app import Application
from engine.database.tenants import add_key, add_tenant, known_key
from engine.server.app import server
from engine.settings import Settings
from generators.recipe import Recipe
from tests.painter import Painter
from tests.unit.engine.server.chain_rows import ANN, BOB, CONTRACT, OTHER, Headers, minted, moved, write
from tests.unit.engine.server.creating import Worker
from tests.unit.engine.server.wallets import ORIGIN
from tools.compile_contracts import CONTRACTS, compile_contract


@pytest.fixture
def application(migrated: Settings) -> Iterator[Application]:
    with Application.open(migrated) as application:
        yield application


@pytest.fixture
def client(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), follow_redirects=False) as client:
        yield client


@pytest.fixture
def headers(application: Application) -> Callable[..., dict[str, str]]:
    """The headers of a key of a new tenant, with these scopes (all if left out) and limits."""
    made = 0

    def headers(*scopes: Scope, **limits: int) -> dict[str, str]:
        nonlocal made
        made += 1
        wanted = NewKey(name="test", scopes=scopes or tuple(Scope), limits=Limits(**limits))
        with application.records.database.writing() as connection:
            key = add_key(connection, add_tenant(connection, f"studio {made}").id, wanted)
        return {"Authorization": f"Bearer {key.secret}"}

    return headers


@pytest.fixture
def key(headers: Callable[..., dict[str, str]]) -> dict[str, str]:
    """The headers of a key of a new tenant's that may do everything."""
    return headers()


@pytest.fixture
def painter(application: Application, pixels: Callable[..., Any], recipe: Callable[..., Recipe]) -> Painter:
    """What the application draws with in place of a network."""
    vars(application)["generator"] = made = Painter(pixels, recipe)
    return made


@pytest.fixture
def worker(application: Application, painter: Painter) -> Iterator[Worker]:
    made = Worker(application)
    yield made
    made.join()


@pytest.fixture
def tenant_of(application: Application) -> Callable[[dict[str, str]], str]:
    """The tenant whose key some headers carry."""

    def tenant_of(headers: dict[str, str]) -> str:
        with application.records.database.reading() as connection:
            key = known_key(connection, headers["Authorization"].removeprefix("Bearer "))
        assert key is not None
        return key.tenant_id

    return tenant_of


@pytest.fixture
def contract_wallet(skip_or_fail: Callable[[str], NoReturn]) -> Callable[[Application, str], str]:
    """Deploys a wallet that is a contract (ERC-1271) for an owner, on the application's embedded chain."""
    if not (CONTRACTS / "node_modules" / "solc").is_dir():
        skip_or_fail("solc is not installed; run `npm ci --ignore-scripts` in chain/contracts")

    def deploy(application: Application, owner: str) -> str:
        connection, maker = application.connection, EnvironmentSigner(secrets.token_hex(32))
        assert connection.embedded is not None
        connection.embedded.fund(maker.address, 10**18)
        artifact = parse_artifact(compile_contract("ContractWallet", "test"))
        made = creation_transaction(connection.web3, artifact, (owner,), sender=maker.address, nonce=0)
        signed = maker.sign_transaction(made)
        submit(connection.web3, signed)
        mined = wait_for_receipt(connection.web3, signed.hash, timeout_s=20, poll_latency_s=0.005)
        assert mined.contract_address is not None
        return mined.contract_address

    return deploy


@pytest.fixture
def asset(
    application: Application,
    studio: dict[str, str],
    tenant_of: Callable[[dict[str, str]], str],
    add_asset: Callable[..., Asset],
) -> Asset:
    return add_asset(application, tenant_id=tenant_of(studio))


@pytest.fixture
def studio(headers: Headers) -> dict[str, str]:
    return headers()


@pytest.fixture
def browser(application: Application) -> Iterator[TestClient]:
    with TestClient(server(application), base_url=ORIGIN, headers={"Origin": ORIGIN}) as browser:
        yield browser


@pytest.fixture
def indexed(application: Application) -> None:
    """Ann minted 256 to 260 in block 1, of which she gave 257 to Bob and burned 258; Bob minted one elsewhere."""
    ours = range(256, 261)
    write(
        application,
        0,
        9,
        tokens=[*(minted(1, each, ANN) for each in ours), minted(4, 256, BOB, OTHER)],
        transfers=[
            *(moved(1, each, ZERO_ADDRESS, ANN) for each in ours),
            moved(2, 257, ANN, BOB),
            moved(3, 258, ANN, ZERO_ADDRESS),
            moved(4, 256, ZERO_ADDRESS, BOB, OTHER),
        ],
        owners=[
            {"contract": CONTRACT, "token_id": "257", "owner": BOB, "changed_block": 2},
            {"contract": CONTRACT, "token_id": "258", "owner": None, "changed_block": 3},
        ],
    )
