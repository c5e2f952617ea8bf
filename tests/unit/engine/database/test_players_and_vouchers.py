"""Players, sessions and vouchers on SQLite and on a real PostgreSQL: what many at once may do only once."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from assets.asset import Asset
from chain.voucher import Claim
from engine.app import Application
from engine.database import tables
from engine.database.claims import voucher_claimed
from engine.database.database import Database
from engine.database.jobs import Job, state_of
from engine.database.mints import add_mint
from engine.database.players import (
    SESSION_LIFE_S,
    add_nonce,
    add_session,
    end_session,
    known_player,
    living_session,
    player_at,
    slide,
    use_nonce,
)
from engine.database.vouchers import (
    QUEUE,
    Asking,
    Terms,
    add_voucher,
    cancel_voucher,
    hand_out,
    next_nonce,
    own_voucher,
    update_voucher,
)
from engine.errors import Conflict, UnknownRecord
from engine.jobs.set_aside import tell_set_aside
from engine.settings import Settings

TO = "0x" + "12" * 20
SIGNER = "0x" + "34" * 20
AT_ONCE = 6


@pytest.fixture(params=["sqlite", "postgresql"])
def application(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Application]:
    environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data")}
    if request.param == "postgresql":
        environment["LORESPARK_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    with Application.open(Settings.from_environment(environment)) as application:
        yield application


@pytest.fixture
def database(application: Application) -> Database:
    return application.records.database


def at_once(work: Callable[[int], Any]) -> list[Any]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(work, range(AT_ONCE)))


def test_a_nonce_is_used_once_however_many_try(database: Database) -> None:
    with database.writing() as connection:
        nonce = add_nonce(connection)

    def use(_: int) -> bool:
        with database.writing() as connection:
            return use_nonce(connection, nonce)

    assert sorted(at_once(use)) == [False] * (AT_ONCE - 1) + [True]


def test_an_account_is_one_player_however_many_sign_in(database: Database) -> None:
    def sign_in(_: int) -> str:
        with database.writing() as connection:
            return player_at(connection, TO).id

    (player_id,) = set(at_once(sign_in))
    with database.reading() as connection:
        assert known_player(connection, player_id).address == TO
        for unknown in ("player-none", "a\0b"):
            with pytest.raises(UnknownRecord):
                known_player(connection, unknown)


def test_a_session_slides_once_a_day_and_ends(database: Database) -> None:
    with database.writing() as connection:
        secret, begun = add_session(connection, player_at(connection, TO))
        found = living_session(connection, secret)
        assert found is not None
        assert not slide(connection, found).slid
        day_ms = 24 * 3600 * 1000
        connection.execute(update(tables.sessions).values(expires_at_ms=begun.expires_at_ms - day_ms - 1000))
        later = slide(connection, found)
        assert later.slid
        assert later.expires_at_ms >= begun.expires_at_ms
        assert living_session(connection, secret + "x") is None
        connection.execute(
            update(tables.sessions).values(expires_at_ms=begun.expires_at_ms - SESSION_LIFE_S * 1000)
        )
        assert living_session(connection, secret) is None
        end_session(connection, found)
        assert connection.execute(select(tables.sessions)).all() == []


def test_an_asset_is_minted_or_promised_and_never_both(
    application: Application, database: Database, add_asset: Callable[..., Asset]
) -> None:
    for seed in range(1, 6):
        asset = add_asset(application, seed)

        def begin(number: int, asset: Asset = asset) -> str:
            try:
                with database.writing() as connection:
                    if number % 2:
                        add_mint(connection, asset, TO, 31337)
                        return "mint"
                    add_voucher(connection, asset, Terms(TO, 600), 31337, Asking())
                    return "voucher"
            except Conflict:
                return "refused"

        begun = set(at_once(begin)) - {"refused"}
        assert len(begun) == 1, begun
        with database.reading() as connection:
            mints = connection.execute(select(tables.mints).where(tables.mints.c.asset_id == asset.asset_id))
            vouchers = connection.execute(
                select(tables.vouchers).where(tables.vouchers.c.asset_id == asset.asset_id)
            )
            assert len(mints.all()) + len(vouchers.all()) == 1


def test_on_another_chain_the_asset_may_be_promised_too(
    application: Application, database: Database, add_asset: Callable[..., Asset]
) -> None:
    asset = add_asset(application, 1)
    with database.writing() as connection:
        add_mint(connection, asset, TO, 1)
        assert add_voucher(connection, asset, Terms(TO, 600), 2, Asking())[1]
        assert not add_voucher(connection, asset, Terms(TO, 600), 2, Asking())[1]


def signed(database: Database, asset: Asset, nonce: int = 7) -> str:
    with database.writing() as connection:
        voucher, _ = add_voucher(connection, asset, Terms(TO, 600), 31337, Asking())
        update_voucher(
            connection,
            voucher.id,
            "prepared",
            status="signed",
            signer=SIGNER,
            nonce=str(nonce),
            collection=TO,
            contract=TO,
            signature="0x00",
            from_block=1,
        )
    return voucher.id


def test_a_voucher_is_handed_out_or_cancelled_here_and_never_both(
    application: Application, database: Database, add_asset: Callable[..., Asset]
) -> None:
    asking = Asking(tenant_id=tables.LOCAL_TENANT)
    for seed in range(1, 6):
        voucher_id = signed(database, add_asset(application, seed), nonce=seed)

        def end(number: int, voucher_id: str = voucher_id) -> tuple[str, str, bool]:
            with database.writing() as connection:
                record = own_voucher(connection, asking, voucher_id)
                if number % 2:
                    changed = hand_out(connection, record)
                    return "read", changed.status, changed.handed_out_at is not None
                changed = cancel_voucher(connection, record)
                return "cancel", changed.status, changed.handed_out_at is not None

        told = at_once(end)
        read = any(what == "read" and status == "signed" for what, status, _ in told)
        assert all(handed for what, status, handed in told if status == "signed" and what == "read")
        states = {status for what, status, _ in told if what == "cancel"}
        assert states == ({"cancelling"} if read else {"cancelled"})


def test_nonces_go_on_from_the_last_and_begin_anew_where_asked(
    application: Application, database: Database, add_asset: Callable[..., Asset]
) -> None:
    with database.reading() as connection:
        first = next_nonce(connection, SIGNER, 31337)
    assert first % 256 == 0
    for seed, nonce in enumerate((9, 10, 8), start=1):
        signed(database, add_asset(application, seed), nonce)
    with database.reading() as connection:
        assert next_nonce(connection, SIGNER, 31337) == 11, "numbers are compared, not texts"
        assert next_nonce(connection, TO, 31337) % 256 == 0
        assert next_nonce(connection, SIGNER, 31337, fresh=True) % 256 == 0


@pytest.mark.parametrize(
    ("what", "told"),
    [("", "claiming the asset again"), ("cancel:", "cancelling it again"), ("expire:", "ends it")],
)
def test_a_vouchers_job_that_was_set_aside_says_so_and_how_it_goes_on(
    application: Application, database: Database, add_asset: Callable[..., Asset], what: str, told: str
) -> None:
    asset = add_asset(application, 1)
    with database.writing() as connection:
        voucher, _ = add_voucher(connection, asset, Terms(TO, 600), 31337, Asking())
        connection.execute(
            update(tables.jobs).where(tables.jobs.c.queue == QUEUE).values(state="set_aside", deaths=3)
        )
        tell_set_aside(connection, Job(1, QUEUE, what + voucher.id, voucher.tenant_id, 3, 3))
    with database.writing() as connection:
        again, made = add_voucher(connection, asset, Terms(TO, 600), 31337, Asking())
        assert not made
        assert told in (again.error or "")
        assert state_of(connection, QUEUE, voucher.id) == "queued", "who asks again tries it again"


def test_a_claim_is_recorded_once_whatever_the_records_believed(
    application: Application, database: Database, add_asset: Callable[..., Asset]
) -> None:
    asset = add_asset(application, 1)
    voucher_id = signed(database, asset)
    with database.writing() as connection:
        update_voucher(connection, voucher_id, "signed", status="expired")
    claim = Claim(256, TO, "0x" + "ab" * 32, 5)  # type: ignore[arg-type]

    def record(_: int) -> bool:
        with database.writing() as connection:
            return voucher_claimed(connection, 31337, SIGNER, 7, claim)

    assert at_once(record) == [True] * AT_ONCE
    with database.reading() as connection:
        (mint,) = connection.execute(select(tables.mints)).all()
        voucher = connection.execute(select(tables.vouchers)).one()
    assert (mint.status, mint.token_id, mint.recipient) == ("confirmed", "256", TO)
    assert (voucher.status, voucher.token_id) == ("claimed", "256")
