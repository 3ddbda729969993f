"""The guard of `tests/offline` works: no test reaches the network, and some may not even reach this machine."""

import socket
import subprocess
import sys

import pytest

OUTSIDE = ("203.0.113.1", 80)  # an address for documentation (RFC 5737): it belongs to nobody
CODE = "import socket; socket.create_connection({!r}, timeout=1)"


def _listener() -> socket.socket:
    return socket.create_server(("127.0.0.1", 0))


def test_other_hosts_are_refused() -> None:
    with pytest.raises(PermissionError, match="may not open a connection"):
        socket.create_connection(OUTSIDE, timeout=1)


@pytest.mark.parametrize("look_up", [socket.gethostbyname, lambda host: socket.getaddrinfo(host, 80)])
def test_names_are_not_looked_up(look_up) -> None:
    with pytest.raises(PermissionError, match="may not open a connection"):
        look_up("example.invalid")


def test_a_datagram_is_refused() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, pytest.raises(PermissionError):
        sender.sendto(b"", OUTSIDE)


def test_this_machine_is_allowed() -> None:
    with _listener() as server, socket.create_connection(server.getsockname()):
        pass


@pytest.mark.usefixtures("no_sockets")
def test_no_sockets_refuses_this_machine_too() -> None:
    with _listener() as server, pytest.raises(PermissionError):
        socket.create_connection(server.getsockname())


@pytest.mark.usefixtures("no_sockets")
def test_no_sockets_reaches_other_processes() -> None:
    with _listener() as server:
        code = CODE.format(server.getsockname())
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "This test may not open a connection" in done.stderr


def test_the_fixture_ends_with_its_test() -> None:
    test_this_machine_is_allowed()
