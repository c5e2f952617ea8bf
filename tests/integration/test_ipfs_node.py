"""Assets on a real IPFS node: pinned, read back on the schedule, and repaired from the block store."""

from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from assets.asset import Asset
from assets.cid import Cid
from engine.app import Application
from engine.settings import Settings
from tests.pinned import LONG_AGO, long_ago, only, schedule

pytestmark = pytest.mark.needs_ipfs


@pytest.fixture(params=["sqlite", "postgresql"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, ipfs_url: str) -> Settings:
    environment = {"LORESPARK_DATA_DIR": str(tmp_path)}
    if request.param == "postgresql":
        environment["LORESPARK_DATABASE_URL"] = request.getfixturevalue("postgresql_url")
    (tmp_path / "pinning.toml").write_text(
        f'[[services]]\nname = "home"\nkind = "kubo"\nurl = "{ipfs_url}"\ntimeout_s = 3\n'
    )
    return Settings.from_environment(environment)


def _told(url: str, cid: Cid) -> None:
    httpx2.post(url, params={"arg": str(cid)}, timeout=10).raise_for_status()


def test_an_asset_is_kept_looked_after_and_repaired(
    settings: Settings, ipfs_url: str, add_asset: Callable[..., Asset]
) -> None:
    with Application.open(settings) as application:
        asset = add_asset(application)
        pin = only(application.pins.go_on(asset.asset_id))
        assert (pin.status, pin.error, pin.service) == ("pinned", None, "home")
        assert pin.root is not None
        assert pin.bytes is not None
        long_ago(application)
        assert schedule(application) == 1
        assert application.pin_job.attempt(pin.id, 1) is None
        read = only(application.pins.of(asset.asset_id))
        assert (read.status, read.bytes, read.repairs) == ("pinned", pin.bytes, 0)
        assert (read.read_at or "") > LONG_AGO
        _told(f"{ipfs_url}/api/v0/pin/rm", Cid.parse(pin.root))
        for cid in (asset.media_cid, asset.metadata_cid):
            _told(f"{ipfs_url}/api/v0/block/rm", cid)
        repaired = only(application.pins.go_on(asset.asset_id))
        assert (repaired.status, repaired.repairs, repaired.error) == ("pinned", 1, None)
        whole = only(application.pins.go_on(asset.asset_id))
        assert (whole.status, whole.bytes, whole.repairs) == ("pinned", pin.bytes, 1)
