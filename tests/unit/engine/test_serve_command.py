"""Where the server listens."""

import socket

import pytest

from engine.errors import AddressUnusable
from engine.serve_command import address, listening


def test_the_address_names_the_port_that_was_taken() -> None:
    with listening("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        assert port > 0
        assert address(listener) == f"http://127.0.0.1:{port}"


def test_connections_say_that_they_are_tcp_so_that_answers_are_not_held_back() -> None:
    """Each answer took 44 ms: asyncio turns Nagle's algorithm off only where the protocol is named."""
    with (
        listening("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.proto == socket.IPPROTO_TCP


def test_an_address_of_version_6_stands_in_brackets() -> None:
    if not socket.has_ipv6:
        pytest.skip("this machine has no IPv6")
    try:
        listener = listening("::1", 0)
    except AddressUnusable:
        pytest.skip("this machine has no IPv6 loopback")
    with listener:
        assert address(listener).startswith("http://[::1]:")


def test_a_port_that_is_taken_is_told_in_one_sentence() -> None:
    with listening("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with pytest.raises(AddressUnusable, match=rf"127\.0\.0\.1', port {port} .*in use.*--port"):
            listening("127.0.0.1", port)


@pytest.mark.parametrize("host", ["no such host", "256.1.1.1.1", "x" * 300, "a..b"])
def test_a_host_that_is_none_is_told_in_one_sentence(host: str) -> None:
    with pytest.raises(AddressUnusable, match="--host"):
        listening(host, 0)
