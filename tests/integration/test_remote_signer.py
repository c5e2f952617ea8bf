"""A whole application whose key is in another process: mints and vouchers, and a signer that comes and goes."""

from collections.abc import Callable
from pathlib import Path

import pytest
from eth_keys.datatypes import PrivateKey
from eth_utils.crypto import keccak
from sqlalchemy import select

from assets.asset import Asset
from chain.errors import SignerUnavailable
from engine.app import Application
from engine.database import tables
from engine.database.vouchers import Asking, Terms, add_voucher
from engine.settings import Settings
from tests.signer_simulator import RemoteKeys, signing


def test_a_remote_signer_mints_and_promises(tmp_path: Path, add_asset: Callable[..., Asset]) -> None:
    with signing(RemoteKeys([PrivateKey(keccak(b"studio"))])) as remote:
        environment = {"LORESPARK_DATA_DIR": str(tmp_path / "data"), "LORESPARK_SIGNER_URL": remote.url}
        with Application.open(Settings.from_environment(environment)) as application:
            minted = application.mint(add_asset(application, 1).asset_id)
            assert minted.owner == application.signer.address
            asset = add_asset(application, 2)
            with application.records.database.writing() as connection:
                voucher, _ = add_voucher(connection, asset, Terms(minted.owner, 600), 31337, Asking())
            remote.fault, remote.status = "refuse", 503
            with pytest.raises(SignerUnavailable):
                application.jobs.finish("voucher", voucher.id)
            assert row(application) == ("prepared", "The remote signer answered 503; look into its log.")
            remote.fault = None
            application.jobs.finish("voucher", voucher.id)
            assert row(application) == ("signed", None)
        assert not (tmp_path / "data" / "keys").exists(), "no key is made here"


def row(application: Application) -> tuple[str, str | None]:
    with application.records.database.reading() as connection:
        found = connection.execute(select(tables.vouchers.c.status, tables.vouchers.c.error)).one()
    return found.status, found.error
