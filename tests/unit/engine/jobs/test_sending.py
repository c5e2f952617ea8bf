"""What keeps a mint's transaction from the embedded chain for a while, and what the mint says meanwhile."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from sqlalchemy import select

from assets.asset import Asset
from chain.asset_contract import AssetContract
from chain.errors import TransactionReverted, Underpriced
from engine.app import Application
from engine.database import tables
from engine.database.mints import MintRecord, history_of
from engine.jobs import sending as sending_module
from engine.settings import Settings


@pytest.fixture
def application(settings: Settings) -> Iterator[Application]:
    environment = {"LORESPARK_DATA_DIR": str(settings.data_dir), "LORESPARK_MAX_FEE_GWEI": "3"}
    with Application.open(Settings.from_environment(environment)) as opened:
        yield opened


@pytest.fixture
def mint(application: Application, add_asset: Callable[..., Asset]) -> MintRecord:
    """A mint that is prepared, in a collection that is deployed."""
    mint, _ = application.records.add_mint(add_asset(application), application.chain.signer.address, 31337)
    assert isinstance(application.mint_job._contract.ensure(), AssetContract)
    return mint


def found(application: Application, mint: MintRecord) -> MintRecord:
    record = application.records.mint(mint.id)
    assert record is not None
    return record


def test_a_mint_that_no_node_takes_for_its_fee_says_so_before_it_was_ever_sent(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    def too_cheap(*_: Any) -> None:
        raise Underpriced("its fee is too low now.")

    with monkeypatch.context() as patch:
        patch.setattr(sending_module, "submit", too_cheap)
        for _ in range(3):
            assert application.mint_job.look(mint.id) is not None
    waiting = found(application, mint)
    assert waiting.status == "signed"
    assert "LORESPARK_MAX_FEE_GWEI allows (3 gwei a gas)" in (waiting.error or "")
    assert application.mint_job.look(mint.id) is None
    assert (found(application, mint).status, found(application, mint).error) == ("confirmed", None)


def refuse_once(monkeypatch: pytest.MonkeyPatch) -> None:
    minting, refused = AssetContract.mint_transaction, []

    def refuse(contract: AssetContract, *arguments: Any, **named: Any) -> Any:
        if not refused:
            refused.append(contract)
            raise TransactionReverted("The contract refused it with Unauthorized.", "Unauthorized")
        return minting(contract, *arguments, **named)

    monkeypatch.setattr(AssetContract, "mint_transaction", refuse)


def test_who_is_refused_as_no_minter_while_a_role_comes_back_tries_again(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_once(monkeypatch)
    assert application.mint_job.look(mint.id) is not None
    assert found(application, mint).status == "prepared"
    assert application.mint_job.look(mint.id) is None
    assert found(application, mint).status == "confirmed"


def test_who_is_refused_as_no_minter_and_is_none_fails(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_once(monkeypatch)
    monkeypatch.setattr(AssetContract, "may_mint", lambda *_: False)
    assert application.mint_job.look(mint.id) is None
    ended = found(application, mint)
    assert (ended.status, "Unauthorized" in (ended.error or "")) == ("failed", True)


def test_the_history_is_whole_where_a_process_ended_before_it_wrote_that_it_sent(
    application: Application, mint: MintRecord, monkeypatch: pytest.MonkeyPatch
) -> None:
    outbox = application.chain.outbox

    def end(*_: Any) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(outbox, "_tell", end)
        with pytest.raises(KeyboardInterrupt):
            application.mint_job.look(mint.id)
    assert found(application, mint).status == "signed"
    with application.records.database.reading() as connection:
        newest = select(tables.transactions.c.status).order_by(tables.transactions.c.number.desc()).limit(1)
        assert connection.scalar(newest) == "sent"
    assert application.mint_job.look(mint.id) is None
    with application.records.database.reading() as connection:
        states = [change.status for change in history_of(connection, mint.id)]
    assert states == ["prepared", "signed", "sent", "mined", "confirmed"]
