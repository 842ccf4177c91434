"""The business system (3 to 14): thin screens over `world.py`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import quote

from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from .faults import Kind, Screen
from .policy_pdf import policy_file
from .sign_in import Session
from .web import Site, hang_up
from .world import Account, Confirmation, Deed, Refused, Step

COOKIE = "sim_business"

_STEP_PATHS = {
    Step.NOTHING: "/xwby/home",
    Step.PENDING: "/xwby/pending",
    Step.SEALING: "/xwby/seal",
    Step.SIGNING: "/xwby/sign",
    Step.AUTHORIZING: "/xwby/authorize",
    Step.FINISHING: "/xwby/finish",
    Step.SUBMITTED: "/xwby/submitted",
}
_DEEDS = {Screen(deed.value): deed for deed in Deed}


@dataclass(frozen=True)
class Visit:
    """One request of a signed-in company."""

    request: Request
    session: Session
    account: Account
    screen: Screen
    form: FormData
    now: datetime

    def text(self, name: str) -> str:
        """A field of the form, without blanks around it."""
        return str(self.form.get(name, "")).strip()

    @property
    def uscc(self) -> str:
        """The company's true USCC: how the simulator knows it."""
        return self.account.company.uscc


Handler = Callable[[Visit], Response]
Endpoint = Callable[[Request], Awaitable[Response]]


class BusinessSite:
    """The business origin."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._world = site.world

    def routes(self) -> list[BaseRoute]:
        """All of the origin's routes."""
        return [
            Route("/", self._enter),
            self._get("/deskserver/sw/deskIndex", Screen.WORKSPACE, self._plain("workspace.html")),
            self._get("/deskserver/company", Screen.COMPANY, self._plain("company.html")),
            self._get("/xwby/system", Screen.SYSTEM, self._system),
            self._get("/xwby/home", Screen.SYSTEM, self._home),
            self._get("/xwby/pending", Screen.PENDING, self._pending),
            self._get("/xwby/renewal-form", Screen.RENEWAL_FORM, self._renewal_form),
            self._post("/xwby/renewal-form/close", Screen.RENEWAL_FORM, self._close_renewal_form),
            self._post("/xwby/confirm", Screen.CONFIRM, self._confirm),
            self._get("/xwby/seal", Screen.SEALING, self._at(Step.SEALING, "sealing.html")),
            self._post("/xwby/seal", Screen.SEAL, self._seal),
            self._get("/xwby/sign", Screen.SIGNING, self._at(Step.SIGNING, "signing.html")),
            self._post("/xwby/sign", Screen.SIGN, self._sign),
            self._get("/xwby/authorize", Screen.AUTHORIZING, self._at(Step.AUTHORIZING, "authorizing.html")),
            self._post("/xwby/authorize", Screen.AUTHORIZE, self._authorize),
            self._get("/xwby/finish", Screen.FINISHING, self._at(Step.FINISHING, "finishing.html")),
            self._post("/xwby/finish", Screen.FINISH, self._finish),
            self._get("/xwby/submitted", Screen.SUBMITTED, self._at(Step.SUBMITTED, "submitted.html")),
            self._get("/xwby/applications", Screen.APPLICATIONS, self._applications),
            self._get("/xwby/policies", Screen.POLICIES, self._policies),
            self._get("/xwby/policies/{number}", Screen.POLICY, self._policy),
            self._get("/xwby/policies/{number}/file", Screen.POLICY_FILE, self._policy_file),
            self._post("/xwby/policies/{number}/receipt", Screen.RECEIPT, self._receipt),
        ]

    def _get(self, path: str, screen: Screen, handler: Handler) -> Route:
        return Route(path, self._endpoint(screen, handler))

    def _post(self, path: str, screen: Screen, handler: Handler) -> Route:
        return Route(path, self._endpoint(screen, handler), methods=["POST"])

    def _endpoint(self, screen: Screen, handler: Handler) -> Endpoint:
        """Count, misbehave where told so, ask for a sign-in where there is none, then do what was asked."""

        async def endpoint(request: Request) -> Response:
            session = self._site.sign_ins.session(request.cookies.get(COOKIE))
            if session is None:
                return self._to_login(request)
            account = self._world.account(session.uscc)
            if deed := _DEEDS.get(screen):
                account.tallies[deed].received += 1
            if trouble := await self._site.trouble(screen, session.uscc):
                return trouble
            if self._world.faults.take(Kind.SESSION_LOST, session.uscc, screen):
                session.has_ended = True
            if session.has_ended:
                return self._to_login(request)
            self._world.settle()
            visit = Visit(request, session, account, screen, await request.form(), self._world.clock())
            response = self._answer(visit, handler)
            if self._loses_answer(visit):
                return await hang_up(request)
            return response

        return endpoint

    def _answer(self, visit: Visit, handler: Handler) -> Response:
        try:
            return handler(visit)
        except Refused as refused:
            return self._page(visit, "refused.html", words=str(refused))

    def _loses_answer(self, visit: Visit) -> bool:
        """Without a screen the fault strikes deeds only: losing a picture of a list proves nothing."""
        fault = self._world.faults.peek(Kind.ANSWER_LOST_AFTER_DEED, visit.uscc, visit.screen)
        if fault is None or (fault.screen is None and visit.screen not in _DEEDS):
            return False
        return self._world.faults.take(Kind.ANSWER_LOST_AFTER_DEED, visit.uscc, visit.screen) is not None

    def _page(self, visit: Visit, template: str, **context: Any) -> Response:
        differs = self._world.faults.take(Kind.USCC_DIFFERS, visit.uscc, visit.screen)
        company = visit.account.company
        return self._site.page(
            visit.request,
            template,
            visit.screen,
            visit.uscc,
            account=visit.account,
            company_name=company.portal_name,
            company_uscc=differs.uscc if differs else company.portal_uscc,
            **context,
        )

    def _to_login(self, request: Request) -> Response:
        at = self._site.addresses(request)
        return RedirectResponse(
            f"{at.login}/cas/login?service={quote(at.business + '/', safe='')}&_swCardF=1", 303
        )

    # --- entering (2, 3) ------------------------------------------------------------------------

    async def _enter(self, request: Request) -> Response:
        ticket = request.query_params.get("ticket")
        if ticket is None:
            return RedirectResponse("/deskserver/sw/deskIndex", 303)
        cookie = self._site.sign_ins.open_session(ticket)
        if cookie is None:
            return self._to_login(request)
        response = RedirectResponse("/deskserver/sw/deskIndex", 303)
        response.set_cookie(COOKIE, cookie, httponly=True, samesite="lax")
        return response

    def _plain(self, template: str) -> Handler:
        return lambda visit: self._page(visit, template)

    # --- confirming (4 to 7) ----------------------------------------------------------------------

    def _system(self, visit: Visit) -> Response:
        """The tabs; that of 保险单 counts what waits for 收悉."""
        unreceived = sum(policy.received_at is None for policy in visit.account.policies)
        return self._page(visit, "system.html", unreceived=unreceived)

    def _home(self, visit: Visit) -> Response:
        return self._page(visit, "system_home.html", is_pending=self._has_pending(visit))

    def _has_pending(self, visit: Visit) -> bool:
        hidden = self._world.faults.take(Kind.NO_PENDING_POLICY, visit.uscc, visit.screen)
        return visit.account.has_open_matter and hidden is None

    def _pending(self, visit: Visit) -> Response:
        """查看保单 leads to where the application stopped."""
        if visit.account.step is not Step.PENDING:
            return self._to_step(visit.account)
        if not self._has_pending(visit):
            raise Refused("暂无待确认保单")
        return self._pending_page(visit, error="")

    def _pending_page(self, visit: Visit, *, error: str) -> Response:
        values = {name: visit.text(name) for name in ("contactName", "mobile", "email")}
        return self._page(visit, "pending.html", error=error, values=values)

    def _renewal_form(self, visit: Visit) -> Response:
        visit.session.open_form(visit.now)
        return self._page(visit, "renewal_form.html", today=visit.now.date())

    def _close_renewal_form(self, visit: Visit) -> Response:
        try:
            visit.session.close_form(visit.now, read_seconds=self._world.settings.read_seconds)
        except Refused as refused:
            return JSONResponse({"success": False, "message": str(refused)})
        return JSONResponse({"success": True, "message": ""})

    def _confirm(self, visit: Visit) -> Response:
        form = Confirmation(
            name=visit.text("contactName"),
            mobile=visit.text("mobile"),
            email=visit.text("email"),
            has_agreed=visit.text("agree") == "on",
            has_read=visit.session.has_read_form,
        )
        try:
            visit.account.confirm(form, visit.now)
        except Refused as refused:
            if visit.account.step is not Step.PENDING:
                raise
            return self._pending_page(visit, error=str(refused))
        return self._to_step(visit.account)

    # --- the first time (8 to 11) ------------------------------------------------------------------

    def _at(self, step: Step, template: str) -> Handler:
        """The screen of this step; a company that stands elsewhere is led there."""

        def show(visit: Visit) -> Response:
            if visit.account.step is not step:
                return self._to_step(visit.account)
            return self._page(visit, template)

        return show

    def _to_step(self, account: Account) -> Response:
        return RedirectResponse(_STEP_PATHS[account.step], 303)

    def _seal(self, visit: Visit) -> Response:
        visit.account.make_seal()
        return self._to_step(visit.account)

    def _sign(self, visit: Visit) -> Response:
        visit.account.sign(has_agreed=visit.text("agree") == "on")
        return self._to_step(visit.account)

    def _authorize(self, visit: Visit) -> Response:
        visit.account.authorize(has_agreed=visit.text("agree") == "on")
        return self._to_step(visit.account)

    def _finish(self, visit: Visit) -> Response:
        visit.account.finish(visit.now)
        return self._to_step(visit.account)

    # --- reading and receiving (12 to 14) ------------------------------------------------------------

    def _applications(self, visit: Visit) -> Response:
        everything = visit.account.applications
        rows = [one for one in everything if not self._is_hidden(visit, one.year)]
        return self._page(visit, "applications.html", rows=rows, total=len(everything))

    def _policies(self, visit: Visit) -> Response:
        everything = visit.account.policies
        rows = [one for one in everything if not self._is_hidden(visit, one.year)]
        return self._page(visit, "policies.html", rows=rows, total=len(everything))

    def _is_hidden(self, visit: Visit, year: int) -> bool:
        """`list_incomplete` leaves out this year's row and nothing else."""
        if year != visit.account.year:
            return False
        return self._world.faults.take(Kind.LIST_INCOMPLETE, visit.uscc, visit.screen) is not None

    def _policy(self, visit: Visit) -> Response:
        policy = visit.account.policy_numbered(visit.request.path_params["number"])
        policy.viewed_at = policy.viewed_at or visit.now
        return self._page(visit, "policy.html", policy=policy)

    def _policy_file(self, visit: Visit) -> Response:
        policy = visit.account.policy_numbered(visit.request.path_params["number"])
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
        name = quote(f"小微信保易保险单_{policy.number}.pdf")
        return Response(
            content,
            media_type="application/pdf",
            headers={"Content-Disposition": f"attachment; filename*=UTF-8''{name}"},
        )

    def _receipt(self, visit: Visit) -> Response:
        try:
            visit.account.acknowledge(visit.request.path_params["number"], visit.now)
        except Refused as refused:
            return JSONResponse({"success": False, "message": str(refused)})
        return JSONResponse({"success": True, "message": "收悉成功"})
