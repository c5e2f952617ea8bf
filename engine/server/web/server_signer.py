"""The account that signs for the server, as its creators see it."""

from dataclasses import dataclass

from chain.boundary import node_boundary
from chain.errors import ChainError
from chain.key_folder import KeyFolder
from engine.app import Application


@dataclass(frozen=True)
class ServerSigner:
    """``address`` is None before the first mint makes a key, ``balance_wei`` where ``fault`` says why."""

    address: str | None
    further: int  # accounts that sign beside it
    balance_wei: int | None
    fault: str | None


def server_signer(application: Application) -> ServerSigner:
    """Asks the chain for the balance; makes no key."""
    settings = application.settings
    try:
        address = _address(application)
    except ChainError as error:
        return ServerSigner(None, 0, None, str(error))
    further = max(0, len(settings.private_keys) - 1)
    if address is None:
        return ServerSigner(None, further, None, None)
    if application.chain_is_elsewhere:
        told = "Another process has the chain; `lorespark doctor` there tells of it."
        return ServerSigner(address, further, None, told)
    try:
        with node_boundary("Reading the signer's balance"):
            web3 = application.connection.web3
            balance_wei = int(web3.eth.get_balance(web3.to_checksum_address(address)))
    except ChainError as error:
        return ServerSigner(address, further, None, str(error))
    return ServerSigner(address, further, balance_wei, None)


def _address(application: Application) -> str | None:
    settings = application.settings
    if settings.signer_url is None and not settings.private_keys and "signer" not in vars(application):
        keys = KeyFolder(application.folder.keys).list()
        return next((key.address for key in keys if key.is_active), None)
    return application.signer.address
