"""Where the simulator's parts are found."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request


@dataclass(frozen=True)
class Addresses:
    """The ports, and the host name under which the reader of an address knows the simulator."""

    host: str
    portal_port: int
    login_port: int
    business_port: int
    control_ports: tuple[int, ...]

    def seen_by(self, request: Request) -> Addresses:
        """The same ports under the host name that this browser used."""
        return replace(self, host=request.url.hostname or self.host)

    @property
    def portal(self) -> str:
        """The public pages."""
        return f"http://{self.host}:{self.portal_port}"

    @property
    def login(self) -> str:
        """The sign-in pages."""
        return f"http://{self.host}:{self.login_port}"

    @property
    def business(self) -> str:
        """The business system."""
        return f"http://{self.host}:{self.business_port}"

    @property
    def controls(self) -> tuple[str, ...]:
        """The card controls, one a desk."""
        return tuple(f"ws://{self.host}:{port}" for port in self.control_ports)

    @property
    def api(self) -> str:
        """The JSON API."""
        return f"{self.portal}/_sim/api"

    def as_json(self) -> dict[str, Any]:
        """What is printed when the simulator is ready."""
        return {
            "portal": self.portal,
            "login": self.login,
            "business": self.business,
            "controls": list(self.controls),
            "api": self.api,
        }
