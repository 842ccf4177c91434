"""The control page and the JSON API, as the demo and other people's tests use them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from portal_driver.simulator.companies import Company
from portal_driver.simulator.running import Simulator

from .conftest import Clock
from .visitor import Visitor, rows


@pytest.fixture
def api(sim: Simulator) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=sim.api, trust_env=False) as client:
        yield client


def test_the_state_of_an_untouched_company(api: httpx.Client, sim: Simulator, hongda: Company):
    state = api.get("/state").json()
    nothing = {"received": 0, "took_effect": 0}
    assert state["companies"][hongda.uscc] == {
        "name": hongda.name,
        "authorized_before": True,
        "standing": "pending",
        "application": None,
        "policy": None,
        "clicks": dict.fromkeys(("confirm", "seal", "sign", "authorize", "receipt"), nothing),
        "sign_ins": 0,
        "card": hongda.card.number,
        "pin_tries_spent": 0,
        "card_locked": False,
    }
    assert state["desks"] == [
        {"desk": 1, "card": None, "control": sim.controls[0]},
        {"desk": 2, "card": None, "control": sim.controls[1]},
    ]
    assert (state["year"], state["faults"]) == (2026, [])


def test_the_state_holds_no_pin(api: httpx.Client, companies: tuple[Company, ...]):
    state = api.get("/state").text
    assert [company.name for company in companies if company.card.pin in state] == []


def test_a_card_is_inserted_replaced_and_removed(api: httpx.Client, hongda: Company, nanyue: Company):
    def cards() -> list[str | None]:
        return [desk["card"] for desk in api.get("/state").json()["desks"]]

    api.post("/desks/1/insert", json={"card": hongda.card.number})
    assert cards() == [hongda.card.number, None]
    api.post("/desks/1/insert", json={"card": nanyue.card.number})
    assert cards() == [nanyue.card.number, None]
    api.post("/desks/1/remove")
    assert cards() == [None, None]


def test_a_card_cannot_be_in_two_readers(api: httpx.Client, hongda: Company):
    api.post("/desks/1/insert", json={"card": hongda.card.number})
    answer = api.post("/desks/2/insert", json={"card": hongda.card.number})
    assert (answer.status_code, answer.json()) == (409, {"ok": False, "error": "该卡在 1 号读卡台"})


def test_approving_everybody_names_who_was_approved(
    api: httpx.Client, at_hongda: Visitor, hongda: Company, clock: Clock
):
    at_hongda.confirm(clock)
    assert api.post("/approve", json={"company": "*"}).json() == {"ok": True, "done": [hongda.uscc]}
    assert rows(at_hongda.get("/xwby/applications").text)[0][6] == "已承保"


def test_returning_an_application_gives_its_reason(
    api: httpx.Client, at_hongda: Visitor, hongda: Company, clock: Clock
):
    at_hongda.confirm(clock)
    api.post("/return", json={"company": hongda.uscc, "reason": "资料不全"})
    assert api.get("/state").json()["companies"][hongda.uscc]["application"] == {
        "number": "SQ20264401000001",
        "state": "退回",
        "reason": "资料不全",
    }


def test_faults_are_set_listed_and_cleared(api: httpx.Client, hongda: Company):
    def kinds() -> list[str]:
        return [fault["kind"] for fault in api.get("/state").json()["faults"]]

    api.post("/faults", json={"kind": "slow", "seconds": 2})
    api.post("/faults", json={"kind": "wrong_pin", "company": hongda.uscc, "times": 1})
    assert kinds() == ["slow", "wrong_pin"]
    api.post("/faults", json={"clear": True, "kind": "slow"})
    assert kinds() == ["wrong_pin"]
    api.post("/faults", json={"clear": True})
    assert kinds() == []


@pytest.mark.parametrize(
    ("path", "body", "status", "error"),
    [
        ("/approve", {}, 400, '"company" is missing'),
        ("/approve", {"company": "91440100MAB53RXR8B"}, 409, "没有审核中的投保申请"),
        ("/approve", {"company": "x"}, 409, "没有统一社会信用代码为 x 的企业"),
        ("/desks/3/remove", {}, 409, "没有 3 号读卡台"),
        ("/desks/1/insert", {"card": "C1"}, 409, "没有卡号为 C1 的卡"),
        ("/faults", {"kind": "earthquake"}, 400, "not a fault: 'earthquake' is not a valid Kind"),
    ],
)
def test_the_api_says_what_is_wrong(
    api: httpx.Client, path: str, body: dict[str, Any], status: int, error: str
):
    answer = api.post(path, json=body)
    assert (answer.status_code, answer.json()) == (status, {"ok": False, "error": error})


def test_a_body_that_is_not_json_is_refused(api: httpx.Client):
    answer = api.post("/approve", content=b"company=1")
    assert (answer.status_code, answer.json()["error"]) == (400, "the body is not JSON")


def test_reset_begins_again_and_signs_everybody_out(
    api: httpx.Client, at_hongda: Visitor, hongda: Company, clock: Clock
):
    untouched = {**api.get("/state").json()["companies"][hongda.uscc], "sign_ins": 0}
    at_hongda.confirm(clock)
    api.post("/faults", json={"kind": "slow"})
    api.post("/reset")
    state = api.get("/state").json()
    assert state["companies"][hongda.uscc] == untouched
    assert ([desk["card"] for desk in state["desks"]], state["faults"]) == ([None, None], [])
    assert at_hongda.get("/xwby/home").url.path == "/cas/login"


def test_every_page_says_that_it_is_a_simulation(sim: Simulator, at_nanyue: Visitor, clock: Clock):
    public = [sim.portal, f"{sim.portal}/_sim/"]
    login = [f"{sim.login}/cas/{page}" for page in ("login", "tabs", "card")]
    business = ["/deskserver/sw/deskIndex", "/deskserver/company"]
    business += [
        f"/xwby/{page}" for page in ("system", "home", "pending", "renewal-form", "applications", "policies")
    ]
    pages = [at_nanyue.http.get(address).text for address in public + login]
    pages += [at_nanyue.get(path).text for path in business]
    at_nanyue.read_renewal_form(clock)
    pages += [at_nanyue.post("/xwby/confirm", mobile="1").text]
    at_nanyue.apply_for_the_first_time(clock)
    pages += [at_nanyue.get("/xwby/submitted").text]
    assert [page.count('<div class="sim-banner">仿真环境') for page in pages] == [1] * len(pages)
