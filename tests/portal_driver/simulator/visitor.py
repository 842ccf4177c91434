"""A person at a browser, without the browser: real requests to a running simulator."""

from __future__ import annotations

import html
import json
import re
from typing import Any, Self

import httpx
from websockets.sync.client import connect

from portal_driver.simulator.running import Simulator

CONTACT = {"contactName": "杨丽娟", "mobile": "13820689555", "email": "nanyue@nanyue.example"}


class Desk:
    """The card control of one desk, asked as the sign-in page asks it."""

    def __init__(self, address: str) -> None:
        self.address = address

    def ask(self, method: str, **args: str) -> dict[str, Any]:
        """The `_args` of the control's answer."""
        answer = self.ask_raw({"_method": method, "_id": 7, "args": args})
        return dict(answer["_args"])

    def ask_raw(self, request: Any) -> dict[str, Any]:
        """The whole answer to any request."""
        with connect(self.address, proxy=None) as socket:
            socket.recv()  # the greeting
            socket.send(request if isinstance(request, str) else json.dumps(request))
            return dict(json.loads(socket.recv()))


class Visitor:
    """Follows redirects within the portal, holds cookies, and does what the pages' scripts do."""

    def __init__(self, sim: Simulator, *, desk: int) -> None:
        self.sim = sim
        self.desk = Desk(sim.controls[desk - 1])
        self.http = httpx.Client(follow_redirects=True, trust_env=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.http.close()

    def challenge(self) -> dict[str, str]:
        """The hidden fields of the sign-in form."""
        page = self.http.get(f"{self.sim.login}/cas/card").text
        return dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', page))

    def signed(self, form: dict[str, str], pin: str) -> dict[str, str]:
        """The form as the page's script fills it with the help of the card."""
        [number] = self.desk.ask("cus-sec_SpcGetCardID")["Data"]
        signature, certificate = self.desk.ask("cus-sec_SpcSignDataAsPEM", inData=form["random"], passwd=pin)[
            "Data"
        ]
        return {**form, "icCard": number, "certNo": certificate, "signData": signature}

    def post_sign_in(self, form: dict[str, str]) -> str:
        """The page that answers the sign-in form."""
        return self.http.post(f"{self.sim.login}/cas/card", data=form).text

    def sign_in(self, pin: str) -> httpx.Response:
        """The workspace, entered with a fresh ticket."""
        done = self.post_sign_in(self.signed(self.challenge(), pin))
        [entry] = re.findall(r'top\.location\.replace\("([^"]+)"\)', done)
        return self.http.get(html.unescape(entry))

    def get(self, path: str) -> httpx.Response:
        """A page of the business system."""
        return self.http.get(f"{self.sim.business}{path}")

    def post(self, path: str, **form: str) -> httpx.Response:
        """A request to the business system, and the page where it leads."""
        return self.http.post(f"{self.sim.business}{path}", data=form)

    def read_renewal_form(self, clock: Any, *, seconds: float = 10) -> dict[str, Any]:
        """Open the 续转申请单, let the time pass on the server, close it."""
        self.get("/xwby/renewal-form")
        clock.advance(seconds=seconds)
        return dict(self.post("/xwby/renewal-form/close").json())

    def confirm(self, clock: Any) -> httpx.Response:
        """确认投保 as a careful person does it."""
        self.read_renewal_form(clock)
        return self.post("/xwby/confirm", **CONTACT, agree="on")

    def apply_for_the_first_time(self, clock: Any) -> None:
        """All of 确认投保 to 确定."""
        self.confirm(clock)
        self.post("/xwby/seal")
        self.post("/xwby/sign", agree="on")
        self.post("/xwby/authorize", agree="on")
        self.post("/xwby/finish")


def shown_error(page: str) -> str:
    """The portal's words in its red box, empty when there is none."""
    boxes = re.findall(r'class="(?:form|login)-error"\s*>([^<]*)<', page)
    return html.unescape(boxes[0]).strip() if boxes else ""


def rows(page: str) -> list[list[str]]:
    """The cells of the list on a page."""
    body = page.split("<tbody>")[1].split("</tbody>")[0]
    return [
        [
            html.unescape(re.sub(r"<[^>]+>", "", cell)).strip()
            for cell in re.findall(r"<td[^>]*>(.*?)</td>", row)
        ]
        for row in body.split("</tr>")[:-1]
    ]
