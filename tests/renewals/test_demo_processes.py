"""The demo's processes, as far as they can be looked at one by one."""

from __future__ import annotations

import socket

from renewals.demo.processes import free_port


def test_a_port_that_is_taken_is_passed_over() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert free_port(port) > port
