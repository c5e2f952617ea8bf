"""The same jobs in a real PostgreSQL, whose texts compare and join in ways of their own."""

from dataclasses import replace

import pytest

from engine.settings import Settings
from tests.unit.engine.server.test_jobs import (  # noqa: F401
    failed_mint,
    studio,
    tenant,
    test_a_creation_waits_is_cancelled_and_asked_for_again_as_another,
    test_a_failed_mint_is_followed_by_one_to_the_same_account_once,
    test_a_failed_voucher_is_followed_by_one_that_holds_as_long,
    test_a_pin_that_waits_for_its_next_turn_is_taken_now,
    test_pages_lead_on_over_all_kinds,
)


@pytest.fixture
def settings(settings: Settings, postgresql_url: str) -> Settings:
    return replace(settings, database_url=postgresql_url)
