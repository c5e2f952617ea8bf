"""Prompts are checked before anything is drawn of them, and every verdict is recorded without the prompt."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Self

from sqlalchemy import insert

from engine.database.clock import now
from engine.database.database import Database
from engine.database.tables import moderations
from engine.deny_list import DEFAULT, DenyList
from engine.errors import ModerationUnavailable, PromptRefused
from engine.plain_text import plain
from engine.prompt_classifier import Classifier, ModerationService
from engine.settings import Settings

UNANSWERED = "classifier: no answer"


class Moderator:
    """Asks the deny lists first, which cost nothing and tell nobody, then the classifier, if there is one."""

    def __init__(
        self, database: Database, lists: Sequence[DenyList] = (), classifier: Classifier | None = None
    ) -> None:
        self._database, self._lists, self._classifier = database, tuple(lists), classifier

    @classmethod
    def of(cls, settings: Settings, database: Database) -> Self:
        """The one that the settings ask for. Raises InvalidSettings where a deny list cannot be used."""
        lists = [DenyList.read(DEFAULT, "default deny list")] if settings.default_deny_list else []
        if settings.deny_list is not None:
            lists.append(DenyList.read(settings.deny_list, "deny list"))
        service = None
        if settings.moderation_url is not None:
            service = ModerationService(
                settings.moderation_url, settings.moderation_model, settings.moderation_key
            )
        return cls(database, lists, service)

    def check(self, tenant_id: str, texts: Sequence[str]) -> None:
        """Returns where all ``texts`` may be drawn. Call it outside of a transaction: it may ask another host.

        Each text that came to a verdict is recorded, in a transaction of this call's own, by the digest of its
        plain form. Raises PromptRefused, and ModerationUnavailable where the classifier gives no answer: then
        nothing is let through.
        """
        wanted = [text for text in dict.fromkeys(texts) if text.strip()]
        listed = {text: found for text in wanted if (found := self._listed(text)) is not None}
        if listed:
            self._record(tenant_id, listed)
            raise PromptRefused(
                "The prompt asks for what this server does not draw (deny list); ask for something else."
            )
        try:
            judged = dict(zip(wanted, self._judged(wanted), strict=True))
        except ModerationUnavailable:
            self._record(tenant_id, dict.fromkeys(wanted, UNANSWERED))
            raise
        self._record(tenant_id, {text: found and f"classifier: {found}" for text, found in judged.items()})
        if refused := next(filter(None, judged.values()), None):
            raise PromptRefused(
                f"The prompt asks for what this server does not draw ({refused}); ask for something else."
            )

    def _listed(self, text: str) -> str | None:
        for deny_list in self._lists:
            if (number := deny_list.line(text)) is not None:
                return f"{deny_list.name}, line {number}"
        return None

    def _judged(self, texts: Sequence[str]) -> list[str | None]:
        if self._classifier is None or not texts:
            return [None] * len(texts)
        return self._classifier.refused(texts)

    def _record(self, tenant_id: str, verdicts: Mapping[str, str | None]) -> None:
        rows = [
            {
                "tenant_id": tenant_id,
                "digest": hashlib.sha256(plain(text).encode()).hexdigest(),
                "allowed": reason is None,
                "reason": reason,
                "created_at": now(),
            }
            for text, reason in verdicts.items()
        ]
        if rows:
            with self._database.writing() as connection:
                connection.execute(insert(moderations), rows)
