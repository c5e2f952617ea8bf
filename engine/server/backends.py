"""Whether each back end answers, asked without letting one that hangs hold up the answer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import Final

from chain.boundary import node_boundary
from engine.app import Application
from engine.database.jobs import QUEUES, any_due
from engine.server.problem_kinds import ROOM_ERRORS

# Shorter than the time that orchestrators give a probe by default times five; raise it for a slow chain node.
ANSWER_TIMEOUT_S: Final = 3.0


class Backend:
    """One back end, asked by at most one thread however many want to know."""

    def __init__(self, name: str, ask: Callable[[], object], timeout_s: float = ANSWER_TIMEOUT_S) -> None:
        self.name, self._ask, self._timeout_s = name, ask, timeout_s
        self._asking: Future[str | None] | None = None

    async def fault(self) -> str | None:
        """Why it does not answer, in one sentence; None where it does."""
        if self._asking is None or self._asking.done():
            self._asking = Future()
            self._asking.set_running_or_notify_cancel()  # so that who gives up waiting cancels nothing
            # A daemon: where it hangs, the end of the process does not wait for it.
            Thread(target=self._answer, args=(self._asking,), name=f"ask-{self.name}", daemon=True).start()
        try:
            return await asyncio.wait_for(asyncio.wrap_future(self._asking), self._timeout_s)
        except TimeoutError:
            return f"The {self.name} did not answer within {self._timeout_s:g} s; see what holds them up."

    def _answer(self, asking: Future[str | None]) -> None:
        fault: str | None = None
        try:
            self._ask()
        except ROOM_ERRORS as error:
            fault = str(error)
        except Exception as error:  # else the one who waits would never hear of it
            fault = f"Asking the {self.name} ended with an unexpected {type(error).__name__}."
        asking.set_result(fault)


def backends_of(application: Application) -> tuple[Backend, ...]:
    """The back ends that the server needs: records, blocks, jobs and chain."""

    def chain() -> None:
        settings = application.settings
        if (
            settings.rpc_url is None
            and settings.database_url is not None
            and "connection" not in vars(application)
        ):
            return  # the embedded chain belongs to the one process that mints, which need not be this one
        with node_boundary("Asking the chain for its height"):
            _ = application.connection.web3.eth.block_number

    def jobs() -> None:
        if "jobs" in vars(application):
            application.jobs.check()
        else:  # no worker here: what can be asked for is done elsewhere
            with application.records.database.reading() as connection:
                any_due(connection, QUEUES)

    return (
        Backend("records", lambda: application.records.newest_assets(1)),
        Backend("blocks", lambda: next(iter(application.blocks), None)),
        Backend("jobs", jobs),
        Backend("chain", chain),
    )


def pinning_backends(application: Application) -> tuple[Backend, ...]:
    """The pinning services that are listed. The server works without them, so they hold no probe up."""
    return tuple(
        Backend(f"pinning service {service.name}", service.version) for service in application.pinning
    )
