"""The same creations in a real PostgreSQL: what touches rows that several processes share."""

from dataclasses import replace

import pytest

from engine.settings import Settings
from tests.unit.engine.server.test_creation_events import (  # noqa: F401
    test_events_tell_everything_from_the_queue_to_the_assets_and_go_on_after_any_of_them,
)
from tests.unit.engine.server.test_creation_queue import (  # noqa: F401
    test_a_creation_that_was_set_aside_is_tried_again_and_its_quota_taken_again,
    test_a_running_drawing_stops_at_its_next_step_when_it_is_cancelled_and_its_quota_comes_back,
    test_a_waiting_creation_is_cancelled_at_once_and_leaves_the_queue,
    test_places_in_the_queue_follow_turns_and_priority,
)
from tests.unit.engine.server.test_creation_recording import (  # noqa: F401
    test_recording_again_changes_nothing,
    test_tags_collection_and_mints_are_done_with_the_recording,
)
from tests.unit.engine.server.test_creations import (  # noqa: F401
    test_a_dry_run_estimates_from_what_was_measured_and_writes_nothing,
    test_a_repeated_request_with_its_key_is_one_creation,
    test_the_list_is_filtered_and_paged,
)


@pytest.fixture
def settings(settings: Settings, postgresql_url: str) -> Settings:
    return replace(settings, database_url=postgresql_url)
