"""Refuse network connections in this Python process: on import of `sitecustomize` when a test asked for it.

An audit hook sees every `connect`, `sendto` and name look-up of the interpreter, whichever module makes it. It cannot
be removed, so it reads its strictness from `refused`, which the fixtures of `conftest.py` set. A library may swallow
the refusal; the file that CANCERNET_TEST_REFUSED names keeps it.
"""

import os
import socket
import sys

EVERYTHING, OUTSIDE = "everything", "outside"
_ADDRESS_POSITION = {
    "socket.connect": 1,
    "socket.sendto": 1,
    "socket.sendmsg": 1,
    "socket.getaddrinfo": 0,
    "socket.gethostbyname": 0,
    "socket.gethostbyaddr": 0,
}
_LOOPBACK = {"localhost", "127.0.0.1", "::1", "", None}

refused = os.environ.get("CANCERNET_TEST_REFUSE", OUTSIDE)


def guard(event, arguments):
    """Raise `PermissionError` when the audit event would reach a host that is refused now."""
    position = _ADDRESS_POSITION.get(event)
    if position is None or (position and arguments[0].family == getattr(socket, "AF_UNIX", None)):
        return
    address = arguments[position]
    host = address[0] if isinstance(address, tuple) else address
    if refused == EVERYTHING or host not in _LOOPBACK:
        _remember(f"{event} to {address!r}")
        raise PermissionError(f"This test may not open a connection ({event} to {address!r})")


def _remember(what):
    """Append the refusal to the file that the test reads afterwards, if it named one."""
    path = os.environ.get("CANCERNET_TEST_REFUSED")
    if path:
        with open(path, "a", encoding="utf-8") as stream:
            stream.write(f"{what}\n")


sys.addaudithook(guard)
