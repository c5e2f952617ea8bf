"""What one caller can do with the tenant's API keys: no key gives another more than it may do itself."""

from dataclasses import dataclass

from sqlalchemy import Connection

from engine.api.account import Key, KeyWithSecret, Limits, NewKey, Scope
from engine.database.tenants import add_key, key_of, revoke_key, rotate_key
from engine.errors import ScopeMissing
from engine.server.caller import Caller


@dataclass(frozen=True)
class KeyDesk:
    caller: Caller

    def granted(self, wanted: NewKey) -> NewKey:
        """The key as the caller may make it; limits that were left out are the usual ones, or the caller's where lower.

        Raises ScopeMissing where it would be able to do more than the caller.
        """
        own, given = self.caller.limits.model_dump(), wanted.limits.model_fields_set
        usual = {
            name: value if name in given else min(value, own[name])
            for name, value in wanted.limits.model_dump().items()
        }
        limits = Limits(**usual)
        self._check(wanted.scopes, limits)
        return wanted.model_copy(update={"limits": limits})

    def make(self, connection: Connection, granted: NewKey) -> KeyWithSecret:
        """Makes a key that was granted."""
        return add_key(connection, self.caller.tenant_id, granted)

    def rotate(self, connection: Connection, key_id: str) -> KeyWithSecret:
        """Raises UnknownRecord, Conflict, and ScopeMissing for a key that may do more than the caller."""
        # Else a key that may only manage keys would get the secret of one that may do more.
        key = key_of(connection, self.caller.tenant_id, key_id)
        self._check(key.scopes, key.limits)
        return rotate_key(connection, self.caller.tenant_id, key_id)

    def revoke(self, connection: Connection, key_id: str) -> Key:
        """Raises UnknownRecord, Conflict, and ScopeMissing where it is another's key and the caller manages none."""
        if key_id != self.caller.key_id:
            self.caller.require(Scope.ADMIN)
        return revoke_key(connection, self.caller.tenant_id, key_id)

    def _check(self, scopes: tuple[Scope, ...], limits: Limits) -> None:
        """Raises ScopeMissing where a key with these would be able to do more than the caller."""
        if beyond := sorted(set(scopes) - self.caller.scopes - {Scope.READ}):
            raise ScopeMissing(
                f"The API key lacks the scope `{beyond[0].value}` and so cannot give it to another; use a key that "
                "has it."
            )
        own = self.caller.limits.model_dump()
        for name, value in limits.model_dump().items():
            if value > own[name]:
                raise ScopeMissing(
                    f"The API key's own limit `{name}` is {own[name]:,d}, and it cannot give {value:,d} to another; "
                    "ask for less, or use a key with a higher limit."
                )
