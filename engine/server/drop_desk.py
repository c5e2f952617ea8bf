"""Where drops are opened and changed by studios, and claimed from by players."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection

from chain.address import parse_recipient
from chain.errors import InvalidAddress
from engine.api.drop import Drop, DropChange, DropClaim, DropClaims, DropState, NewDrop
from engine.app import Application
from engine.database.asset_rows import asset_of
from engine.database.collections import own_collection
from engine.database.drops import (
    DropRecord,
    add_claim,
    add_drop,
    change_drop,
    claims_of,
    counted,
    drop_counts,
    is_free,
    is_listed,
    known_drop,
    locked_drop,
    next_free,
    own_drop,
    time_text,
)
from engine.database.players import Player
from engine.database.voucher_places import lock_asset
from engine.database.vouchers import Asking, Terms, add_voucher
from engine.drop_views import claim_view, drop_view
from engine.errors import Conflict, InvalidField, QualityRefused
from engine.planning import pointing

# From the promise to the deadline of its claim; an asset that nobody took onto the chain by then is free again.
VALID_S: Final = 24 * 3600
# Of one request: each time another claim was faster, or an asset failed the quality gate.
_TRIES: Final = 40
_UNDER_WAY: Final = ("prepared", "signed", "cancelling")


@dataclass(frozen=True)
class DropDesk:
    """What a studio, the tenant, can do with drops."""

    application: Application
    tenant_id: str

    def open(self, connection: Connection, wanted: NewDrop) -> Drop:
        """Raises InvalidField, Conflict where the collection is a drop already."""
        with pointing("/collection"):
            own_collection(connection, self.tenant_id, wanted.collection)
        addresses = checked_addresses(wanted.addresses)
        starts_at_s = int(time.time()) if wanted.starts_at is None else int(wanted.starts_at.timestamp())
        ends_at_s = int(wanted.ends_at.timestamp())
        _check(starts_at_s, ends_at_s, wanted.listed_only, len(addresses))
        made = add_drop(
            connection,
            self.tenant_id,
            wanted.collection,
            per_address=wanted.per_address,
            listed_only=wanted.listed_only,
            addresses=addresses,
            starts_at_s=starts_at_s,
            ends_at_s=ends_at_s,
        )
        return drop_view(connection, made, self.application.settings.chain_id)

    def change(self, connection: Connection, drop_id: str, wanted: DropChange) -> Drop:
        """Raises UnknownRecord, InvalidField."""
        drop = own_drop(connection, self.tenant_id, drop_id)
        chain_id = self.application.settings.chain_id
        addresses = None if wanted.addresses is None else checked_addresses(wanted.addresses)
        values: dict[str, Any] = wanted.model_dump(
            exclude_none=True, include={"per_address", "listed_only", "closed"}
        )
        for name in ("starts_at", "ends_at"):
            moment = getattr(wanted, name)
            if moment is not None:
                values[f"{name}_s"] = int(moment.timestamp())
        on_list = drop_counts(connection, drop, chain_id).addresses if addresses is None else len(addresses)
        _check(
            values.get("starts_at_s", drop.starts_at_s),
            values.get("ends_at_s", drop.ends_at_s),
            values.get("listed_only", drop.listed_only),
            on_list,
        )
        return drop_view(connection, change_drop(connection, drop.id, addresses, **values), chain_id)


@dataclass(frozen=True)
class ClaimDesk:
    """What a signed-in player can do with a drop."""

    application: Application
    player: Player

    def claims(self, drop_id: str) -> DropClaims:
        """Raises UnknownRecord."""
        with self.application.records.database.reading() as connection:
            drop = known_drop(connection, drop_id)
            found = claims_of(connection, drop.id, self.player.address)
            left = drop_counts(connection, drop, self.application.settings.chain_id).left
            refusal = self._refusal(connection, drop, counted(found), left)
        return DropClaims(address=self.player.address, refusal=refusal, data=tuple(map(claim_view, found)))

    def claim(self, drop_id: str) -> DropClaim:
        """Promises the player the next asset that is free; while one is on its way, that one again.

        Raises UnknownRecord, and Conflict where the drop gives the player none.
        """
        database, gate = self.application.records.database, self.application.gate
        chain_id, address = self.application.settings.chain_id, self.player.address
        refused: set[str] = set()
        for _ in range(_TRIES):
            with database.reading() as connection:
                drop = known_drop(connection, drop_id)
                if (under_way := self._under_way(connection, drop)) is not None:
                    return under_way
                free = next_free(connection, drop, chain_id, refused)
                self._check(connection, drop, 0 if free is None else 1)
            assert free is not None, "the check refuses where nothing is left"
            try:  # outside of the transaction, as it reads blocks
                with self.application.decoding:
                    asset = gate.passed(asset_of(free), force=False)
            except QualityRefused:
                refused.add(free.id)
                continue
            with database.writing() as connection:
                # Locked: of two claims at once the second sees what the first took.
                drop = locked_drop(connection, drop_id)
                if (under_way := self._under_way(connection, drop)) is not None:
                    return under_way
                self._check(connection, drop, 1)
                lock_asset(connection, asset.asset_id)
                if not is_free(connection, drop, chain_id, asset.asset_id):
                    continue
                asking = Asking(player_id=self.player.id)
                made, _ = add_voucher(connection, asset, Terms(address, VALID_S), chain_id, asking)
                add_claim(connection, drop.id, address, made.id)
                found = claims_of(connection, drop.id, address)
                return next(claim_view(each) for each in found if each.id == made.id)
        raise Conflict("Many claim at this moment, and others were faster; try again.")

    def _under_way(self, connection: Connection, drop: DropRecord) -> DropClaim | None:
        found = claims_of(connection, drop.id, self.player.address)
        return next((claim_view(each) for each in found if each.status in _UNDER_WAY), None)

    def _check(self, connection: Connection, drop: DropRecord, left: int) -> None:
        had = counted(claims_of(connection, drop.id, self.player.address))
        if (refusal := self._refusal(connection, drop, had, left)) is not None:
            raise Conflict(refusal)

    def _refusal(self, connection: Connection, drop: DropRecord, had: int, left: int) -> str | None:
        """Why the player gets no other one."""
        if drop.listed_only and not is_listed(connection, drop.id, self.player.address):
            return f"The account {self.player.address} is not on this drop's list; connect the one that is."
        if had >= drop.per_address:
            return (
                "You have claimed yours; this drop gives one to each account."
                if drop.per_address == 1
                else f"You have claimed {had}, as many as this drop gives to an account."
            )
        return {
            DropState.CLOSED: "The drop was closed by its creator.",
            DropState.OVER: f"The drop ended at {time_text(drop.ends_at_s)}.",
            DropState.EARLY: f"The drop begins at {time_text(drop.starts_at_s)}; come back then.",
            DropState.EMPTY: "Nothing is left; what is not taken onto the chain within a day is free again.",
        }.get(drop.state(left))


def checked_addresses(texts: Iterable[str]) -> list[str]:
    """Each address once, checksummed. Raises InvalidField, which says which cannot be used."""
    found: dict[str, None] = {}
    for place, text in enumerate(texts, 1):
        try:
            found[parse_recipient(text)] = None
        except InvalidAddress as error:
            raise InvalidField(f"Address {place} ({text[:60]}): {error}", "/addresses") from error
    return list(found)


def _check(starts_at_s: int, ends_at_s: int, listed_only: bool, addresses: int) -> None:
    if ends_at_s <= starts_at_s:
        raise InvalidField("The drop ends before it begins; choose a later end.", "/ends_at")
    if listed_only and not addresses:
        raise InvalidField(
            "A drop for listed addresses needs some; list them, or open it to anybody.", "/addresses"
        )
