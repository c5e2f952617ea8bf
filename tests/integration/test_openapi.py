"""Everything that the OpenAPI document allows, and much that it does not, asked of the server by schemathesis.

No answer may be a 5xx, nor another status, media type or body than the document says.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import checks
from schemathesis.specs.openapi import checks as openapi_checks

from assets.asset import Asset
from engine.api.account import Limits, NewKey, Scope
from engine.app import Application
from engine.database.tables import LOCAL_TENANT
from engine.database.tenants import add_key
from engine.server.app import server
from engine.settings import Settings

EXAMPLES = 12  # for each of some seventy operations; more belong into a run by hand
CHECKS = [
    checks.not_a_server_error,
    openapi_checks.status_code_conformance,
    openapi_checks.content_type_conformance,
    openapi_checks.response_headers_conformance,
    openapi_checks.response_schema_conformance,
]
# The events of a creation do not end before it does, and the OpenAI route waits for pictures: no worker runs here.
WAITING = r"/v1/(creations/\{creation_id\}/events|images/generations)"


@pytest.fixture(scope="module")
def application(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Application]:
    folder: Path = tmp_path_factory.mktemp("openapi") / "data"
    # Without an address of its own a server lets nobody sign in, which is a 503.
    environment = {"LORESPARK_DATA_DIR": str(folder), "LORESPARK_PUBLIC_URL": "https://play.example"}
    with Application.open(Settings.from_environment(environment)) as application:
        yield application


@pytest.fixture(scope="module")
def key(application: Application) -> str:
    wanted = NewKey(name="fuzz", scopes=tuple(Scope), limits=Limits(per_minute=100_000, concurrent=100_000))
    with application.records.database.writing() as connection:
        return add_key(connection, LOCAL_TENANT, wanted).secret


@pytest.fixture(scope="module")
def schema(application: Application) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_asgi("/openapi.json", server(application)).exclude(path_regex=WAITING)


def test_every_answer_is_one_that_the_document_names(
    schema: schemathesis.BaseSchema, key: str, application: Application, add_asset: Callable[..., Asset]
) -> None:
    add_asset(application)
    found: dict[str, str] = {}
    asked = 0

    def ask(operation: Any) -> None:
        @given(case=operation.as_strategy())
        @settings(
            max_examples=EXAMPLES,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def answered(case: schemathesis.Case) -> None:
            nonlocal asked
            asked += 1
            case.call_and_validate(headers={"Authorization": f"Bearer {key}"}, checks=CHECKS)

        answered()

    for result in schema.get_all_operations():
        operation = result.ok()
        try:
            ask(operation)
        except Exception as error:  # what is wrong with the others is of interest too
            found[operation.label] = str(error)
    assert found == {}
    assert asked > 40 * EXAMPLES / 2
