"""Somebody without a browser who knows every skin's addresses: real requests, named by place."""

from __future__ import annotations

import html
import json
import re
from dataclasses import dataclass
from typing import Any, Self

import httpx

from portal_driver.simulator.companies import Company
from portal_driver.simulator.places import LOGIN_PLACES, Place
from portal_driver.simulator.running import Simulator
from portal_driver.simulator.skin import Door, Skin, load_skin

from .visitor import Desk

CONTACT = {"contact_name": "杨丽娟", "mobile": "13820689555", "email": "nanyue@nanyue.example"}
_SENDS_JSON = frozenset({"element"})
_CONTROL_FIELDS = ("card_number", "certificate", "signature")


@dataclass(frozen=True)
class Seen:
    """What came of a request: where it led, and what it says without tags and blanks."""

    status: int
    place: str
    said: str
    content: bytes

    def says(self, words: str) -> bool:
        """Whether the words stand anywhere in it."""
        return words in self.said


class Guest:
    """Holds cookies and follows redirects; `sees` nothing of scripts."""

    def __init__(self, sim: Simulator, *, desk: int = 1) -> None:
        self.sim = sim
        self.skin: Skin = load_skin(sim.settings.skin)
        self.desk = Desk(sim.controls[desk - 1])
        self.http = httpx.Client(follow_redirects=True, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def ask(self, place: str, **ours: str) -> Seen:
        """Ask for a place as the skin's pages ask for it; the fields bear our names."""
        door = next(door for door in self.skin.doors if door.place == place)
        return self._seen(self._send(door, ours), door)

    def ask_raw(self, place: str) -> str:
        """The text of a place, with all its markup."""
        return self._send(next(door for door in self.skin.doors if door.place == place), {}).text

    def _send(self, door: Door, ours: dict[str, str]) -> httpx.Response:
        path, fields = door.path, {door.field: door.value} if door.field else {}
        for name, value in ours.items():
            if "{" + name + "}" in path:
                path = path.replace("{" + name + "}", value)
            else:
                fields[self.skin.fields[name]] = value
        url = f"{self._origin(door.place)}{path}"
        if door.method == "GET":
            return self.http.get(url, params=fields)
        if self.skin.name in _SENDS_JSON:
            return self.http.request(door.method, url, json=fields)
        return self.http.request(door.method, url, data=fields)

    def _origin(self, place: Place) -> str:
        if place is Place.HOME:
            return self.sim.portal
        return self.sim.login if place in LOGIN_PLACES else self.sim.business

    def _seen(self, response: httpx.Response, door: Door) -> Seen:
        if response.headers.get("content-type", "").startswith("application/json"):
            answer = response.json()
            led_to = self._place_of_call(answer) or str(door.place)
            return Seen(
                response.status_code, led_to, json.dumps(answer, ensure_ascii=False), response.content
            )
        text = "" if response.headers.get("content-type") == "application/pdf" else response.text
        words = re.sub(r'<input type="submit" value="([^"]*)"[^>]*>', r"\1", text)
        said = re.sub(r"[\s\u200b]+", "", html.unescape(re.sub(r"<[^>]+>", "", words)))
        return Seen(response.status_code, self._place_at(response.url), said, response.content)

    def _place_of_call(self, answer: dict[str, Any]) -> str:
        if answer.get("login") or answer.get("out"):
            return "login"
        if answer.get("to"):
            return self._place_at(httpx.URL(answer["to"]))
        return str(answer.get("next", ""))

    def _place_at(self, url: httpx.URL) -> str:
        """The place that a GET of this address shows."""
        for door in self.skin.doors:
            path = re.sub(r"\\{\w+\\}", "[^/]+", re.escape(door.path))
            is_meant = not door.field or url.params.get(door.field) == door.value
            if door.method == "GET" and re.fullmatch(path, url.path) and is_meant:
                return str(door.place)
        return ""

    # --- what a person does -----------------------------------------------------------------------

    def sign_in(self, company: Company) -> None:
        """Put the card in, have it sign the challenge, enter with the ticket."""
        self.sim.insert(1, company.card.number)
        form = self.http.get(f"{self.sim.login}{self.skin.href('login_card')}")
        if form.headers["content-type"].startswith("application/json"):
            challenge = form.json()["data"]["challenge"]
        else:
            inputs = re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', form.text)
            challenge = {name: value for name, value in inputs if name in ("random", "lt", "execution")}
        [card] = self.desk.ask("cus-sec_SpcGetCardID")["Data"]
        signed = self.desk.ask(
            "cus-sec_SpcSignDataAsPEM", inData=challenge["random"], passwd=company.card.pin
        )
        signature, certificate = signed["Data"]
        filled = dict(zip(_CONTROL_FIELDS, (card, certificate, signature), strict=True))
        door = next(door for door in self.skin.doors if door.place is Place.SIGN_IN)
        done = self._send(door, {**filled, **challenge})
        [entry] = set(re.findall(r"http://[^\"'<> ]+ticket=[\w-]+", html.unescape(done.text)))
        self.http.get(entry)

    def read_form(self, clock: Any, *, seconds: float = 10) -> Seen:
        """Open the 续转申请单, let time pass on the server, close it."""
        self.ask("renewal_form")
        clock.advance(seconds=seconds)
        return self.ask("close_form")

    def confirm(self, clock: Any) -> Seen:
        """确认投保 as a careful person does it."""
        self.read_form(clock)
        return self.ask("confirm", **CONTACT, agree="on")

    def apply_for_the_first_time(self, clock: Any) -> Seen:
        """All of 确认投保 to 确定."""
        self.confirm(clock)
        self.ask("seal")
        self.ask("sign", agree="on")
        self.ask("authorize", agree="on")
        return self.ask("finish")
