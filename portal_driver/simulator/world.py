"""The state of the simulated portal and every rule of it. Screens show it; nothing else changes it.

Numbers in comments are the guide's screens. What the guide leaves open is decided here and marked [?].
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from .cards import Card, Reader
from .companies import Company
from .faults import Faults, Kind, Screen
from .settings import Settings

Clock = Callable[[], datetime]


class Refused(Exception):
    """The portal says no; the text is what it shows."""


class Deed(StrEnum):
    """The irreversible requests, in the portal's order."""

    CONFIRM = "confirm"  # 确认投保
    SEAL = "seal"  # 保存印章并生成协议
    SIGN = "sign"  # 同意
    AUTHORIZE = "authorize"  # 授权
    RECEIPT = "receipt"  # 收悉


class Step(StrEnum):
    """The screen that comes next in this year's application."""

    NOTHING = "nothing"  # no policy waits for this company
    PENDING = "pending"  # 5 to 7
    SEALING = "sealing"  # 8
    SIGNING = "signing"  # 9
    AUTHORIZING = "authorizing"  # 10
    FINISHING = "finishing"  # 11
    SUBMITTED = "submitted"


class ApplicationState(StrEnum):
    """The portal's own words for where an application stands."""

    IN_REVIEW = "审核中"
    APPROVED = "已承保"
    RETURNED = "退回"


@dataclass
class Tally:
    """How often a deed was asked for and how often it took effect."""

    received: int = 0
    took_effect: int = 0


@dataclass
class Application:
    """A row of 投保申请 (12)."""

    number: str
    year: int
    applied_at: datetime
    state: ApplicationState = ApplicationState.IN_REVIEW
    reason: str = ""


@dataclass
class Policy:
    """A row of 保险单 (13)."""

    number: str
    year: int
    valid_from: date
    valid_to: date
    viewed_at: datetime | None = None
    received_at: datetime | None = None


@dataclass(frozen=True)
class Confirmation:
    """What 确认投保 sends (5 to 7). `has_read` is the server's own knowledge, not the browser's."""

    name: str
    mobile: str
    email: str
    has_agreed: bool
    has_read: bool


@dataclass
class Account:
    """A company on the portal in one policy year."""

    company: Company
    year: int
    serial: int
    step: Step
    tallies: dict[Deed, Tally] = field(default_factory=lambda: {deed: Tally() for deed in Deed})
    applications: list[Application] = field(default_factory=list)
    policies: list[Policy] = field(default_factory=list)
    contact: Confirmation | None = None
    sign_ins: int = 0

    @property
    def has_open_matter(self) -> bool:
        """Whether the banner 您有一份待确认小微信保易保单 is shown (4)."""
        return self.step not in (Step.NOTHING, Step.SUBMITTED)

    @property
    def application(self) -> Application | None:
        """This year's application, once it is complete."""
        return next((one for one in self.applications if one.year == self.year), None)

    @property
    def policy(self) -> Policy | None:
        """This year's policy, once it is approved."""
        return next((one for one in self.policies if one.year == self.year), None)

    def policy_numbered(self, number: str) -> Policy:
        """The policy with this number. Raises `Refused`."""
        for policy in self.policies:
            if policy.number == number:
                return policy
        raise Refused("未查询到该保险单")

    # --- deeds: each takes effect once, in the portal's order ---------------------------------

    def confirm(self, form: Confirmation, now: datetime) -> None:
        """确认投保 (7): submits where the company has authorised before, else leads to 制章."""
        self._require_step(Step.PENDING)
        if not form.has_agreed:
            raise Refused("请先勾选“已认真阅读以上内容并同意”")
        if not form.has_read:
            raise Refused("请先阅读本年度续转申请单")
        check_contact(form)
        self.contact = form
        self.tallies[Deed.CONFIRM].took_effect += 1
        if self.company.authorized_before:
            self._submit(now)
        else:
            self.step = Step.SEALING

    def make_seal(self) -> None:
        """保存印章并生成协议 (8)."""
        self._require_step(Step.SEALING)
        self._took_effect(Deed.SEAL, Step.SIGNING)

    def sign(self, *, has_agreed: bool) -> None:
        """同意 (9)."""
        self._require_step(Step.SIGNING)
        if not has_agreed:
            raise Refused("请先勾选“我确认协议条款”")
        self._took_effect(Deed.SIGN, Step.AUTHORIZING)

    def authorize(self, *, has_agreed: bool) -> None:
        """授权 (10)."""
        self._require_step(Step.AUTHORIZING)
        if not has_agreed:
            raise Refused("请先勾选“同意提供上述数据内容”")
        self._took_effect(Deed.AUTHORIZE, Step.FINISHING)

    def finish(self, now: datetime) -> None:
        """确定 (11): [?] only this puts a first-time company's application into the list.

        The guide calls the application complete "至此" after 确定, and not before.
        """
        self._require_step(Step.FINISHING)
        self._submit(now)

    def acknowledge(self, number: str, now: datetime) -> None:
        """收悉 (14)."""
        policy = self.policy_numbered(number)
        if policy.received_at is not None:
            raise Refused("该保险单已收悉，请勿重复操作")
        if policy.viewed_at is None:
            raise Refused("请先查看电子保单")
        policy.received_at = now
        self.tallies[Deed.RECEIPT].took_effect += 1

    def begin_at(self, step: Step, now: datetime) -> None:
        """Stand at this step, as after an earlier sitting; no deed is counted for the way there."""
        if step is Step.SUBMITTED:
            self._submit(now)
        else:
            self.step = step

    # --- the insurer ---------------------------------------------------------------------------

    def approve(self, now: datetime) -> None:
        """The insurer's yes: the policy is on the portal. Raises `Refused` when nothing is in review."""
        application = self._in_review()
        application.state = ApplicationState.APPROVED
        starts_on = now.date()
        self.policies.insert(
            0, Policy(self._number("XB", self.year), self.year, starts_on, _year_after(starts_on))
        )

    def return_application(self, reason: str) -> None:
        """The insurer's no. Raises `Refused` when nothing is in review."""
        application = self._in_review()
        application.state = ApplicationState.RETURNED
        application.reason = reason

    def remember_last_year(self, now: datetime) -> None:
        """Give the company last year's application and policy, as one that was insured then has."""
        application, policy = self.last_years(now)
        self.applications.append(application)
        self.policies.append(policy)

    def last_years(self, now: datetime) -> tuple[Application, Policy]:
        """Last year's application and policy, as one that was insured then has them."""
        starts_on = now.date() - timedelta(days=330)
        policy = Policy(self._number("XB", self.year - 1), self.year - 1, starts_on, _year_after(starts_on))
        policy.viewed_at = policy.received_at = now - timedelta(days=329)
        application = Application(
            number=self._number("SQ", self.year - 1),
            year=self.year - 1,
            applied_at=now - timedelta(days=333),
            state=ApplicationState.APPROVED,
        )
        return application, policy

    def _require_step(self, step: Step) -> None:
        if self.step is not step:
            raise Refused(_OUT_OF_ORDER[self.step])

    def _took_effect(self, deed: Deed, then: Step) -> None:
        self.tallies[deed].took_effect += 1
        self.step = then

    def _submit(self, now: datetime) -> None:
        self.step = Step.SUBMITTED
        self.applications.insert(0, Application(self._number("SQ", self.year), self.year, now))

    def _in_review(self) -> Application:
        application = self.application
        if application is None or application.state is not ApplicationState.IN_REVIEW:
            raise Refused("没有审核中的投保申请")
        return application

    def _number(self, prefix: str, year: int) -> str:
        return f"{prefix}{year}4401{self.serial:06d}"


_OUT_OF_ORDER = {
    Step.NOTHING: "暂无待确认保单",
    Step.PENDING: "请先确认投保",
    Step.SEALING: "本年度保单已确认，请进行制章",
    Step.SIGNING: "印章已保存，请签署协议",
    Step.AUTHORIZING: "协议已签署，请进行企业数据授权",
    Step.FINISHING: "数据授权已完成，请点击确定完成投保",
    Step.SUBMITTED: "本年度投保申请已提交，请勿重复操作",
}


def check_contact(form: Confirmation) -> None:
    """Raise `Refused` for what the portal does not accept as a contact (5)."""
    if not form.name.strip():
        raise Refused("请填写姓名")
    if not re.fullmatch(r"1\d{10}", form.mobile):
        raise Refused("手机号码格式不正确")
    if re.search(r"[-_]", form.email) or not re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", form.email):
        raise Refused("邮箱格式不正确，请不要带中划线或下划线等特殊符号")


def _year_after(day: date) -> date:
    """The last day of a policy year that starts on this day."""
    try:
        return day.replace(year=day.year + 1) - timedelta(days=1)
    except ValueError:  # 29 February
        return date(day.year + 1, 2, 28)


class World:
    """All companies, cards and readers, and the troubles that were asked for."""

    def __init__(self, companies: Sequence[Company], settings: Settings, clock: Clock) -> None:
        self.settings = settings
        self.clock = clock
        self._companies = companies
        self.faults = Faults()
        self.reset()

    def reset(self) -> None:
        """Begin again: nobody has applied, no card is inserted, nothing goes wrong."""
        self.faults.clear()
        self.accounts = {
            company.uscc: self._open_account(company, serial)
            for serial, company in enumerate(self._companies, start=1)
        }
        self.cards = {
            company.card.number: Card(company, tries=self.settings.pin_tries) for company in self._companies
        }
        self.readers = [Reader(desk) for desk in range(1, self.settings.desks + 1)]

    def _open_account(self, company: Company, serial: int) -> Account:
        step = Step.PENDING if company.has_pending_policy else Step.NOTHING
        account = Account(company, self.settings.year, serial, step)
        if company.authorized_before:
            account.remember_last_year(self.clock())
        return account

    def account(self, uscc: str) -> Account:
        """The company's account. Raises `Refused`."""
        if uscc not in self.accounts:
            raise Refused(f"没有统一社会信用代码为 {uscc} 的企业")
        return self.accounts[uscc]

    def put(self, uscc: str, step: Step) -> None:
        """Begin this company's year again, at this step. Raises `Refused`."""
        account = self.account(uscc)
        self.accounts[uscc] = self._open_account(account.company, account.serial)
        self.accounts[uscc].begin_at(step, self.clock())

    def reader(self, desk: int) -> Reader:
        """The reader of the desk with this number, from 1. Raises `Refused`."""
        if not 1 <= desk <= len(self.readers):
            raise Refused(f"没有 {desk} 号读卡台")
        return self.readers[desk - 1]

    def insert(self, desk: int, card_number: str) -> None:
        """Put a card into a desk's reader, in place of the one that is there. Raises `Refused`."""
        reader = self.reader(desk)
        if card_number not in self.cards:
            raise Refused(f"没有卡号为 {card_number} 的卡")
        for other in self.readers:
            if other is not reader and other.inserted is self.cards[card_number]:
                raise Refused(f"该卡在 {other.desk} 号读卡台")
        reader.inserted = self.cards[card_number]

    def remove(self, desk: int) -> None:
        """Take the card out of a desk's reader; an empty reader stays empty. Raises `Refused`."""
        self.reader(desk).inserted = None

    def settle(self) -> None:
        """Let the insurer decide the applications that are due. Called before anything is shown."""
        wait_s = self.settings.approve_after_s
        if wait_s is None:
            return
        due = self.clock() - timedelta(seconds=wait_s)
        for account in self.accounts.values():
            application = account.application
            if (
                application is not None
                and application.state is ApplicationState.IN_REVIEW
                and application.applied_at <= due
            ):
                self._decide(account)

    def _decide(self, account: Account) -> None:
        uscc = account.company.uscc
        if self.faults.hold(Kind.APPROVAL_LATE, uscc, Screen.APPLICATIONS):
            return
        if fault := self.faults.take(Kind.APPLICATION_REFUSED, uscc, Screen.APPLICATIONS):
            account.return_application(fault.reason)
        else:
            account.approve(self.clock())

    def as_json(self) -> dict[str, Any]:
        """Everything that a test or a demo wants to know. Holds no PIN."""
        self.settle()
        return {
            "year": self.settings.year,
            "companies": {uscc: self._account_json(account) for uscc, account in self.accounts.items()},
            "desks": [
                {"desk": reader.desk, "card": reader.inserted.number if reader.inserted else None}
                for reader in self.readers
            ],
            "faults": self.faults.as_json(),
        }

    def _account_json(self, account: Account) -> dict[str, Any]:
        card = self.cards[account.company.card.number]
        return {
            "name": account.company.name,
            "authorized_before": account.company.authorized_before,
            "standing": account.step.value,
            "application": _application_json(account.application),
            "policy": _policy_json(account.policy),
            "clicks": {
                deed.value: {"received": tally.received, "took_effect": tally.took_effect}
                for deed, tally in account.tallies.items()
            },
            "sign_ins": account.sign_ins,
            "card": card.number,
            "pin_tries_spent": card.tries_spent,
            "card_locked": card.is_locked,
        }


def _application_json(application: Application | None) -> dict[str, Any] | None:
    if application is None:
        return None
    return {"number": application.number, "state": application.state.value, "reason": application.reason}


def _policy_json(policy: Policy | None) -> dict[str, Any] | None:
    if policy is None:
        return None
    return {
        "number": policy.number,
        "valid_from": policy.valid_from.isoformat(),
        "valid_to": policy.valid_to.isoformat(),
        "viewed": policy.viewed_at is not None,
        "received": policy.received_at is not None,
    }
