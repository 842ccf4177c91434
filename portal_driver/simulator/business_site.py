"""The business system (3 to 14): what each place says and does, over `world.py`.

Handlers know neither addresses nor markup. What they return is shown by the skin: as a page or as
the answer to a call, as the place's door says.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from .doors import routes_for
from .faults import Fault, Kind, Screen
from .places import DEEDS, LOGIN_PLACES, STEP_PLACES, Place, screen_of
from .policy_pdf import policy_file
from .sign_in import Session
from .skin import Door
from .web import Site, hang_up
from .world import Account, Application, Confirmation, Policy, Refused, Step

COOKIE = "sim_business"


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in company. `error` is what the page says when it is shown once more."""

    request: Request
    door: Door
    session: Session
    account: Account
    said: Mapping[str, str]
    now: datetime
    error: str = ""

    @property
    def screen(self) -> Screen:
        """The screen whose faults strike now."""
        return screen_of(self.door.place)

    @property
    def uscc(self) -> str:
        """The company's true USCC: how the simulator knows it."""
        return self.account.company.uscc


@dataclass(frozen=True)
class Shown:
    """A place is shown, with these facts beside those that every place has."""

    place: Place
    facts: Mapping[str, Any]


@dataclass(frozen=True)
class Led:
    """The company is led to another place. `words` are what a call says of it."""

    to: Place
    words: str = ""
    number: str = ""


@dataclass(frozen=True)
class Sent:
    """A file."""

    content: bytes
    name: str


class RefusedHere(Refused):
    """A refusal after which a page is shown once more, with the words on it."""

    def __init__(self, words: str, place: Place) -> None:
        super().__init__(words)
        self.place = place


Answer = Shown | Led | Sent
Handler = Callable[[Visit], Answer]


class BusinessSite:
    """The business origin."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world
        self._skin = site.skin
        self._late: set[asyncio.Task[None]] = set()
        self._handlers: dict[Place, Handler] = {
            Place.WORKSPACE: self._plain(Place.WORKSPACE),
            Place.COMPANY: self._plain(Place.COMPANY),
            Place.SYSTEM: self._system,
            Place.SYSTEM_HOME: self._system,
            Place.PENDING: self._pending,
            Place.RENEWAL_FORM: self._renewal_form,
            Place.CLOSE_FORM: self._close_renewal_form,
            Place.CONFIRM: self._confirm,
            Place.SEALING: self._at(Step.SEALING),
            Place.SEAL: self._seal,
            Place.SIGNING: self._at(Step.SIGNING),
            Place.SIGN: self._sign,
            Place.AUTHORIZING: self._at(Step.AUTHORIZING),
            Place.AUTHORIZE: self._authorize,
            Place.FINISHING: self._at(Step.FINISHING),
            Place.FINISH: self._finish,
            Place.SUBMITTED: self._at(Step.SUBMITTED),
            Place.APPLICATIONS: self._applications,
            Place.POLICIES: self._policies,
            Place.POLICY: self._policy,
            Place.POLICY_FILE: self._policy_file,
            Place.RECEIPT: self._receipt,
        }

    def routes(self) -> list[BaseRoute]:
        """All of the origin's routes."""
        elsewhere = (Place.HOME, *LOGIN_PLACES)
        shells = [Route(path, self._shell(template)) for template, path in self._skin.shells.items()]
        return [
            *routes_for([d for d in self._skin.doors if d.place not in elsewhere], self._receive),
            *shells,
        ]

    def _shell(self, template: str) -> Callable[[Request], Awaitable[Response]]:
        async def shell(request: Request) -> Response:
            return self._site.page(request, f"{template}.html", None)

        return shell

    # --- a request, from the door to the answer ------------------------------------------------------

    async def _receive(self, request: Request, door: Door, said: Mapping[str, str]) -> Response:
        """Count, misbehave where told so, ask for a sign-in where there is none, then do what was asked."""
        if door.place is Place.ENTER:
            return self._enter(request, said)
        session = self._site.sign_ins.session(request.cookies.get(COOKIE))
        if session is None:
            return self._to_login(request, door)
        account = self._world.account(session.uscc)
        if deed := DEEDS.get(door.place):
            account.tallies[deed].received += 1
        screen = screen_of(door.place)
        if trouble := await self._site.trouble(screen, session.uscc):
            return trouble
        if self._world.faults.take(Kind.SESSION_LOST, session.uscc, screen):
            session.has_ended = True
        if session.has_ended:
            return self._to_login(request, door)
        self._world.settle()
        visit = Visit(request, door, session, account, self._in_our_words(said), self._world.clock())
        return await self._do(visit)

    async def _do(self, visit: Visit) -> Response:
        """Do it, and lose or spoil the answer where told so."""
        if late := self._strikes_deed(Kind.DONE_LATE, visit):
            task = asyncio.create_task(self._do_late(visit, late.seconds))
            self._late.add(task)
            task.add_done_callback(self._late.discard)
            return self._site.error(late.status)
        response = self._answer(visit)
        if self._strikes_deed(Kind.ANSWER_LOST_AFTER_DEED, visit):
            return await hang_up(visit.request)
        if self._strikes_deed(Kind.CONNECTION_RESET, visit):
            return await hang_up(visit.request, by_reset=True)
        if spoilt := self._strikes_deed(Kind.ERROR_AFTER_DEED, visit):
            return self._site.error(spoilt.status)
        return response

    async def _do_late(self, visit: Visit, seconds: float) -> None:
        await asyncio.sleep(seconds)
        self._answer(replace(visit, now=self._world.clock()))

    def _strikes_deed(self, kind: Kind, visit: Visit) -> Fault | None:
        """Without a screen the fault strikes deeds only: losing a picture of a list proves nothing."""
        fault = self._world.faults.peek(kind, visit.uscc, visit.screen)
        if fault is None or (fault.screen is None and visit.door.place not in DEEDS):
            return None
        return self._world.faults.take(kind, visit.uscc, visit.screen)

    def _in_our_words(self, said: Mapping[str, str]) -> dict[str, str]:
        """The request's fields under our own names."""
        return {ours: said[theirs].strip() for ours, theirs in self._skin.fields.items() if theirs in said}

    def _answer(self, visit: Visit) -> Response:
        try:
            answer = self._handlers[visit.door.place](visit)
        except Refused as refused:
            return self._refuse(visit, refused)
        if visit.door.is_call and not isinstance(answer, Sent):
            return self._call(visit, answer)
        return self._page(visit, answer)

    def _refuse(self, visit: Visit, refused: Refused) -> Response:
        words = str(refused)
        if visit.door.is_call:
            return self._site.call(visit.request, ok=False, words=words)
        if isinstance(refused, RefusedHere):
            answer = self._handlers[refused.place](replace(visit, error=words))
            return self._page(visit, answer)
        return self._page(visit, Shown(visit.door.place, {"words": words}), template="refused.html")

    def _page(self, visit: Visit, answer: Answer, *, template: str = "") -> Response:
        if isinstance(answer, Sent):
            return Response(
                answer.content,
                media_type="application/pdf",
                headers={"Content-Disposition": f"attachment; filename*=UTF-8''{quote(answer.name)}"},
            )
        if isinstance(answer, Led):
            values = {"number": answer.number} if answer.number else {}
            return self._site.redirect(self._skin.href(self._placed(answer.to), **values))
        return self._site.page(
            visit.request,
            template or f"{answer.place}.html",
            visit.screen,
            visit.uscc,
            **self._common_facts(visit),
            **answer.facts,
        )

    def _call(self, visit: Visit, answer: Shown | Led) -> Response:
        if isinstance(answer, Led):
            return self._site.call(visit.request, ok=True, words=answer.words, then=self._placed(answer.to))
        return self._site.call(
            visit.request,
            ok=True,
            screen=visit.screen,
            whose=visit.uscc,
            facts={**self._common_facts(visit), **answer.facts},
        )

    def _placed(self, place: Place) -> Place:
        """The place, or the one that holds its content where the skin has no document of its own for it."""
        if place is Place.SYSTEM_HOME and not self._skin.has(place):
            return Place.SYSTEM
        return place

    def _common_facts(self, visit: Visit) -> dict[str, Any]:
        """Whose page it is and which year's, wrong where that was asked for."""
        faults, company, account = self._world.faults, visit.account.company, visit.account
        uscc = faults.take(Kind.USCC_DIFFERS, visit.uscc, visit.screen)
        name = faults.take(Kind.NAME_DIFFERS, visit.uscc, visit.screen)
        year = faults.take(Kind.YEAR_DIFFERS, visit.uscc, visit.screen)
        return {
            "company": {
                "name": name.name if name else company.portal_name,
                "uscc": uscc.uscc if uscc else company.portal_uscc,
            },
            "year": account.year - 1 if year else account.year,
            "first_time": not company.authorized_before,
            "step": account.step.value,
        }

    def _to_login(self, request: Request, door: Door) -> Response:
        at = self._site.addresses(request)
        service = at.business + self._skin.href(Place.ENTER)
        login = at.login + self._skin.href(Place.LOGIN, service=service, _swCardF="1")
        if door.is_call:
            return self._site.call(request, ok=False, words="登录超时，请重新登录", login=login)
        return self._site.redirect(login)

    # --- entering (2, 3) ------------------------------------------------------------------------

    def _enter(self, request: Request, said: Mapping[str, str]) -> Response:
        if "ticket" not in said:
            return self._site.redirect(self._skin.after_sign_in())
        cookie = self._site.sign_ins.open_session(said["ticket"])
        if cookie is None:
            return self._to_login(request, Door(Place.ENTER, "GET", "", "", "", is_call=False))
        response = self._site.redirect(self._skin.after_sign_in())
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return response

    def _plain(self, place: Place) -> Handler:
        return lambda visit: Shown(place, {})

    # --- confirming (4 to 7) ----------------------------------------------------------------------

    def _system(self, visit: Visit) -> Answer:
        """The banner, and how many policies wait for 收悉: the tab of 保险单 counts them."""
        unreceived = sum(policy.received_at is None for policy in visit.account.policies)
        # Where tabs and banner are two documents, the fault for "no pending policy" is the banner's.
        has_banner = visit.door.place is Place.SYSTEM_HOME or not self._skin.has(Place.SYSTEM_HOME)
        is_pending = has_banner and self._has_pending(visit)
        return Shown(visit.door.place, {"unreceived": unreceived, "is_pending": is_pending})

    def _has_pending(self, visit: Visit) -> bool:
        hidden = self._world.faults.take(Kind.NO_PENDING_POLICY, visit.uscc, visit.screen)
        return visit.account.has_open_matter and hidden is None

    def _pending(self, visit: Visit) -> Answer:
        """查看保单 leads to where the application stopped."""
        if visit.account.step is not Step.PENDING:
            return Led(STEP_PLACES[visit.account.step])
        if not visit.error and not self._has_pending(visit):
            raise Refused("暂无待确认保单")
        # What was typed before the 续转申请单 opened is still there where that is a page of its own.
        written = {**visit.session.draft, **visit.said}
        values = {name: written.get(name, "") for name in ("contact_name", "mobile", "email")}
        has_read = visit.session.has_read_form
        return Shown(Place.PENDING, {"error": visit.error, "values": values, "has_read": has_read})

    def _renewal_form(self, visit: Visit) -> Answer:
        visit.session.open_form(visit.now, dict(visit.said))
        facts = {"today": visit.now.date().isoformat(), "error": visit.error}
        return Shown(Place.RENEWAL_FORM, {**facts, "read_seconds": self._world.settings.read_seconds})

    def _close_renewal_form(self, visit: Visit) -> Answer:
        try:
            visit.session.close_form(visit.now, read_seconds=self._world.settings.read_seconds)
        except Refused as refused:
            raise RefusedHere(str(refused), Place.RENEWAL_FORM) from None
        return Led(Place.PENDING)

    def _confirm(self, visit: Visit) -> Answer:
        form = Confirmation(
            name=visit.said.get("contact_name", ""),
            mobile=visit.said.get("mobile", ""),
            email=visit.said.get("email", ""),
            has_agreed=self._has_agreed(visit),
            has_read=visit.session.has_read_form,
        )
        try:
            visit.account.confirm(form, visit.now)
        except Refused as refused:
            if visit.account.step is not Step.PENDING:
                raise
            raise RefusedHere(str(refused), Place.PENDING) from None
        return self._led_on(visit)

    def _has_agreed(self, visit: Visit) -> bool:
        return visit.said.get("agree") in ("on", "1", "true", "Y")

    # --- the first time (8 to 11) ------------------------------------------------------------------

    def _at(self, step: Step) -> Handler:
        """The screen of this step; a company that stands elsewhere is led there."""

        def show(visit: Visit) -> Answer:
            if visit.account.step is not step:
                return self._led_on(visit)
            application = visit.account.application
            state = {"number": application.number, "state": application.state.value} if application else {}
            return Shown(STEP_PLACES[step], {"application": state})

        return show

    def _led_on(self, visit: Visit) -> Answer:
        return Led(STEP_PLACES[visit.account.step])

    def _seal(self, visit: Visit) -> Answer:
        visit.account.make_seal()
        return self._led_on(visit)

    def _sign(self, visit: Visit) -> Answer:
        visit.account.sign(has_agreed=self._has_agreed(visit))
        return self._led_on(visit)

    def _authorize(self, visit: Visit) -> Answer:
        visit.account.authorize(has_agreed=self._has_agreed(visit))
        return self._led_on(visit)

    def _finish(self, visit: Visit) -> Answer:
        visit.account.finish(visit.now)
        return self._led_on(visit)

    # --- reading and receiving (12 to 14) ------------------------------------------------------------

    def _applications(self, visit: Visit) -> Answer:
        earlier = visit.account.last_years(visit.now)[0]
        rows, total = self._listed(visit, visit.account.applications, earlier)
        return Shown(Place.APPLICATIONS, {"rows": [_application_row(row) for row in rows], "total": total})

    def _policies(self, visit: Visit) -> Answer:
        earlier = visit.account.last_years(visit.now)[1]
        rows, total = self._listed(visit, visit.account.policies, earlier)
        return Shown(Place.POLICIES, {"rows": [_policy_row(row) for row in rows], "total": total})

    def _listed[R: (Application, Policy)](
        self, visit: Visit, everything: Sequence[R], earlier: R
    ) -> tuple[list[R], int]:
        """The rows, and the count beneath them; faults leave out this year's row or show another year's."""
        others = [row for row in everything if row.year != visit.account.year]
        if self._world.faults.take(Kind.LIST_OTHER_YEAR, visit.uscc, visit.screen):
            others = others or [earlier]
            return others, len(others)
        is_there = len(others) < len(everything)
        if is_there and self._world.faults.take(Kind.LIST_INCOMPLETE, visit.uscc, visit.screen):
            return others, len(everything)
        return list(everything), len(everything)

    def _policy(self, visit: Visit) -> Answer:
        policy = self._asked_for(visit)
        policy.viewed_at = policy.viewed_at or visit.now
        other = self._world.faults.peek(Kind.YEAR_DIFFERS, visit.uscc, visit.screen)
        row = _policy_row(policy)
        return Shown(Place.POLICY, {"policy": {**row, "year": row["year"] - 1} if other else row})

    def _asked_for(self, visit: Visit) -> Policy:
        return visit.account.policy_numbered(visit.said.get("number", ""))

    def _policy_file(self, visit: Visit) -> Answer:
        policy = self._asked_for(visit)
        company = visit.account.company
        broken = self._world.faults.take(Kind.PDF_BROKEN, visit.uscc, visit.screen)
        variant = broken.variant if broken else ""
        if variant == "other":
            company = next(one.company for one in self._world.accounts.values() if one.company is not company)
        content = policy_file(policy, company)
        if variant == "truncated":
            content = content[: len(content) // 2]
        if variant == "html":
            content = "<html><body>文件服务异常，请稍后再试</body></html>".encode()
        return Sent(content, f"小微信保易保险单_{policy.number}.pdf")

    def _receipt(self, visit: Visit) -> Answer:
        number = visit.said.get("number", "")
        visit.account.acknowledge(number, visit.now)
        return Led(Place.POLICY, "收悉成功", number)


def _application_row(application: Application) -> dict[str, Any]:
    return {
        "number": application.number,
        "year": application.year,
        "applied_at": application.applied_at.strftime("%Y-%m-%d %H:%M:%S"),
        "state": application.state.value,
        "reason": application.reason,
    }


def _policy_row(policy: Policy) -> dict[str, Any]:
    return {
        "number": policy.number,
        "year": policy.year,
        "valid_from": policy.valid_from.isoformat(),
        "valid_to": policy.valid_to.isoformat(),
        "received": policy.received_at is not None,
        "state": "待收悉" if policy.received_at is None else "已收悉",
    }
