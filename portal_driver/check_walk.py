"""The way of a check through the portal: every screen up to the first click that cannot be undone.

It goes by the same words and screens as a run, looks at each screen for the words that a run would
need there, and goes on where it can when one is missing. It asks nobody for leave to click, because
there is nothing here that could be given leave.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from playwright.async_api import WebSocket

from portal_driver.check_gate import ReadingGate
from portal_driver.check_notes import (
    BOX,
    COUNT,
    FIELD,
    HEADING,
    LABEL,
    PRESS,
    TEXT,
    TITLE,
    Finding,
    Notes,
    State,
    Want,
    near,
)
from portal_driver.check_portal import ReadingPortal
from portal_driver.contract import Company, Contact, Reason
from portal_driver.errors import DriverError, PersonNeeded
from portal_driver.finding import View
from portal_driver.lists import ApplicationsPage, PoliciesPage
from portal_driver.pages import (
    AuthorizingPage,
    CompanyPage,
    FinishingPage,
    PendingPage,
    Screen,
    SealingPage,
    ShownCompany,
    SignInForm,
    SigningPage,
    SignInPage,
)
from portal_driver.profile import Profile, Words
from portal_driver.reading import behind_banner, find_banner
from portal_driver.sign_in import try_once
from portal_driver.words import normalise, says, uscc_in

_SHORT = 8  # a parameter's value that is no longer than this is a switch, not a secret


@dataclass(frozen=True)
class Wishes:
    """What whoever started the check wants beyond looking; all of it can be undone."""

    company: Company | None = None
    contact: Contact | None = None
    open_application: bool = False


class Walk:
    """One sitting of the check."""

    def __init__(self, portal: ReadingPortal, gate: ReadingGate, notes: Notes, wishes: Wishes) -> None:
        self.portal, self.gate, self.notes, self.wishes = portal, gate, notes, wishes
        self.profile: Profile = portal.profile
        portal.context.on("page", lambda page: page.on("websocket", self._note_socket))

    # --- in public --------------------------------------------------------------------------

    async def to_sign_in(self, home: str) -> SignInForm | None:
        """From the home page to the PIN field, as anybody may go; None where the way ends before it.

        Raises `PortalUnavailable` when nothing answers at the home page's address.
        """
        self._at("home")
        await self.portal.open(home)
        try:
            way = self.profile.menu.to_sign_in
            page: SignInPage | None = await self.portal.follow(way, SignInPage)
        except DriverError as error:
            self.notes.trouble("home", error)
            page = None
        await self._note_menu(is_through=page is not None)
        if page is None:
            await self._keep("home")
            return None
        return await self._on_sign_in(page)

    async def _note_menu(self, *, is_through: bool) -> None:
        """Each word of the menu: pressed, in sight, or the first one at which the way ends."""
        view = await self._view()
        is_missing = False
        for place, words in enumerate(self.profile.menu.to_sign_in):
            want = Want(f"menu.to_sign_in[{place}]", words, PRESS)
            said = next((word for word in words if self._was_pressed(word) or _shows(view, word)), "")
            if said:
                self.notes.note(Finding(want, "home", State.FOUND, said))
            elif is_through or is_missing or view is None:
                self.notes.note(Finding(want, "home", State.NOT_TODAY))
            else:
                is_missing = True
                self.notes.note(Finding(want, "home", State.MISSING, "", near(want, view)))

    def _was_pressed(self, word: str) -> bool:
        return any(says(said, (word,)) for said in self.portal.pressed)

    async def _on_sign_in(self, page: SignInPage) -> SignInForm | None:
        words = self.profile.sign_in
        self._at("sign_in")
        await self._try_shortcut(page.view.page.url)
        try:
            form: SignInForm | None = await page.choose_card()
        except DriverError as error:
            self.notes.trouble("sign_in", error)
            form = None
        wants = [
            Want("sign_in.card_tab", words.card_tab, PRESS),
            Want("sign_in.pin", words.pin, FIELD),
            Want("sign_in.sign_in", words.sign_in, PRESS),
        ]
        await self._look_for("sign_in", wants)
        return form

    async def _try_shortcut(self, address: str) -> None:
        """Whether the sign-in page can be opened by its address alone, in a tab that is closed again."""
        known = self.profile.addresses.sign_in
        address = known or lasting(address)
        tab = None
        try:
            await self.portal.open(address)
            tab = self.portal.tabs()[0]
            await self.portal.reach(SignInPage)
        except DriverError:
            works = False
        else:
            works = True
        if tab is not None:
            await tab.close()
        if known:
            self.notes.remarks.append(
                f"The shortcut addresses.sign_in {'works' if works else 'does NOT work'}."
            )
        elif works:
            self.notes.shortcut = address

    def _note_socket(self, socket: WebSocket) -> None:
        if socket.url not in self.notes.controls:
            self.notes.controls.append(socket.url)

    # --- behind the sign-in -----------------------------------------------------------------

    async def sign_in(self, form: SignInForm, pin: str) -> None:
        """Sign in, once; from the moment that the portal lets us in only reading leaves.

        Raises `SignInRefused`.
        """
        await try_once(self.portal, form, pin, self.notes.masker)
        self.gate.shut()
        self.portal.has_come_in(await self.portal.look())

    async def inside(self) -> None:
        """Company data, both lists, banner and pending policy; raises `PersonNeeded` for another company."""
        menu, onward = self.profile.menu, self.profile.company.onward
        await self._company()
        lists, portal = self.profile.lists, self.portal
        await self._visit(
            "applications",
            lambda: portal.follow([onward, menu.applications], ApplicationsPage),
            self._tabs(),
            [Want("lists.application_number", lists.application_number, HEADING), *self._columns()],
            last_step=menu.applications,
        )
        await self._visit(
            "policies",
            lambda: portal.follow([onward, menu.policies], PoliciesPage),
            self._tabs(),
            [
                Want("lists.policy_number", lists.policy_number, HEADING),
                *self._columns(),
                Want("lists.period", lists.period, HEADING),
                Want("lists.view", lists.view, PRESS, always=False),
                Want("lists.acknowledged", lists.acknowledged, HEADING, always=False),
            ],
            last_step=menu.policies,
        )
        await self._behind_banner()

    async def _company(self) -> None:
        words = self.profile.company
        page = await self._visit(
            "company",
            lambda: self.portal.follow([words.title], CompanyPage),
            [
                Want("company.title", words.title, TITLE),
                Want("company.name", words.name, LABEL),
                Want("company.uscc", words.uscc, LABEL),
                Want("company.onward", words.onward, PRESS),
            ],
        )
        if page is not None:
            self._compare(page.company())

    def _compare(self, shown: ShownCompany) -> None:
        expected = self.wishes.company
        if expected is None:
            return
        same_name = normalise(shown.name) == normalise(expected.name)
        if not same_name or uscc_in(shown.uscc) != expected.uscc.upper():
            reason = Reason.COMPANY_DIFFERS if not same_name else Reason.USCC_DIFFERS
            seen = f"{shown.name} {shown.uscc}"
            raise PersonNeeded(reason, expected=f"{expected.name} {expected.uscc}", seen=seen)

    def _tabs(self) -> list[Want]:
        menu = self.profile.menu
        return [
            Want("menu.pending", menu.pending, PRESS),
            Want("menu.applications", menu.applications, PRESS),
            Want("menu.policies", menu.policies, PRESS),
        ]

    def _columns(self) -> list[Want]:
        words = self.profile.lists
        return [
            Want("lists.year", words.year, HEADING),
            Want("lists.state", words.state, HEADING),
            Want("lists.reason", words.reason, HEADING, always=False),
            Want("lists.total", words.total, COUNT),
            Want("lists.nothing", words.nothing, TEXT, always=False),
            Want("lists.under_review", words.under_review, HEADING, always=False),
            Want("lists.returned", words.returned, HEADING, always=False),
        ]

    async def _behind_banner(self) -> None:
        """The pending policy, or whichever step the company has come to. Nothing on it is pressed."""
        words = self.profile.pending
        banner = await self._visit(
            "pending_banner", self._to_banner, [Want("pending.banner", words.banner, TEXT, always=False)]
        )
        view = await self._view()
        if view is None or not view.mentions(words.banner):
            self.notes.remarks.append(
                "There was no banner with a pending policy. Either this company has none now, or the words "
                "of pending.banner are others: look at the saved page pending-banner."
            )
            return
        self.notes.look_for("pending_banner", view, [Want("pending.view", words.view, PRESS)])
        if banner is None:
            return
        self._at("behind_banner")
        try:
            step = await self._to_step()
        except DriverError as error:
            self.notes.trouble("behind_banner", error)
            await self._keep("behind_banner")
        else:
            await self._on_step(step)

    async def _to_banner(self) -> Screen | None:
        return await find_banner(self.portal, lambda view: view.has_press(self.profile.menu.policies))

    async def _to_step(self) -> Screen:
        return await behind_banner(self.portal)

    async def _on_step(self, step: Screen) -> None:
        await self._look_for(step.name, self._wants_of(step))
        if isinstance(step, PendingPage):
            await self._fill_contact()
            if self.wishes.open_application:
                await self._open_application()

    def _wants_of(self, step: Screen) -> list[Want]:
        pending, later = self.profile.pending, self.profile.authorizing
        wants: dict[type[Screen], list[Want]] = {
            PendingPage: [
                Want("pending.contact_name", pending.contact_name, FIELD),
                Want("pending.contact_mobile", pending.contact_mobile, FIELD),
                Want("pending.contact_email", pending.contact_email, FIELD),
                Want("pending.box", pending.box, BOX),
                Want("pending.confirm", pending.confirm, PRESS),
            ],
            SealingPage: [Want("authorizing.make_seal", later.make_seal, PRESS)],
            SigningPage: [
                Want("authorizing.sign_box", later.sign_box, BOX),
                Want("authorizing.sign", later.sign, PRESS),
            ],
            AuthorizingPage: [
                Want("authorizing.authorize_box", later.authorize_box, BOX),
                Want("authorizing.authorize", later.authorize, PRESS),
            ],
            FinishingPage: [
                Want("authorizing.finish", later.finish, PRESS),
                Want("authorizing.finish_page", later.finish_page, TEXT),
            ],
        }
        return wants[type(step)]

    async def _fill_contact(self) -> None:
        """Write the plan's contact into the fields and read it back; nothing is sent."""
        words, contact = self.profile.pending, self.wishes.contact
        if contact is None:
            return
        self.notes.masker.learn(contact.name, contact.mobile, contact.email)
        try:
            await self.portal.fill(
                {
                    words.contact_name: contact.name,
                    words.contact_mobile: contact.mobile,
                    words.contact_email: contact.email,
                }
            )
        except DriverError as error:
            self.notes.trouble("pending_policy", error)
        else:
            self.notes.remarks.append("The plan's contact was written into the three fields and read back.")

    async def _open_application(self) -> None:
        """Tick the box, which opens the 续转申请单; it stays open and ends with the browser."""
        words = self.profile.pending

        def opened(view: View) -> bool | None:
            return (
                True if view.mentions(words.application) and view.has_press(words.close_application) else None
            )

        async def tick() -> bool:
            await self.portal.tick(words.box)
            return await self.portal.wait_for(opened, words.application)

        await self._visit(
            "application",
            tick,
            [
                Want("pending.application", words.application, TEXT),
                Want("pending.close_application", words.close_application, PRESS),
                Want("pending.countdown", words.countdown, TEXT, always=False),
            ],
        )

    # --- each screen ------------------------------------------------------------------------

    async def _visit[T](
        self,
        screen: str,
        going: Callable[[], Awaitable[T]],
        on_the_way: Sequence[Want],
        there: Sequence[Want] = (),
        *,
        last_step: Words = (),
    ) -> T | None:
        """Go there and look for the words. Where the way ends, look at what is there instead.

        What should be `there` is looked for only once the `last_step` to it was pressed.
        """
        self._at(screen)
        steps_before = len(self.portal.pressed)
        try:
            reached: T | None = await going()
        except DriverError as error:
            self.notes.trouble(screen, error)
            reached = None
        is_there = any(says(said, last_step) for said in self.portal.pressed[steps_before:])
        await self._look_for(screen, [*on_the_way, *(there if is_there or reached else ())])
        return reached

    async def _look_for(self, screen: str, wants: Sequence[Want]) -> View | None:
        self._at(screen)
        view = await self._view()
        if view is not None:
            self.notes.look_for(screen, view, wants)
            await self.notes.keep_page(screen, view)
        return view

    async def _keep(self, screen: str) -> None:
        view = await self._view()
        if view is not None:
            await self.notes.keep_page(screen, view)

    async def _view(self) -> View | None:
        try:
            return await self.portal.look(everything=True)
        except DriverError:
            return None

    def _at(self, screen: str) -> None:
        if self.gate.screen != screen:
            self.gate.screen = screen
            self.notes.tell(f"looking at {screen}")


def lasting(address: str) -> str:
    """An address without the parameters that are made anew each time (sessions, tickets, challenges)."""
    parts = urlsplit(address)
    kept = [(key, value) for key, value in parse_qsl(parts.query) if "://" in value or len(value) <= _SHORT]
    path = parts.path.split(";", 1)[0]
    return urlunsplit((parts.scheme, parts.netloc, path, urlencode(kept), ""))


def _shows(view: View | None, words: str) -> bool:
    return view is not None and view.has_press((words,))


def looked_for(profile: Profile) -> dict[str, Words]:
    """Every key of the profile that holds words, with its words."""
    keys: dict[str, Words] = {}
    for table in ("menu", "sign_in", "company", "pending", "authorizing", "lists", "notices", "trouble"):
        for key, words in vars(getattr(profile, table)).items():
            if key == "to_sign_in":
                keys |= {f"{table}.{key}[{place}]": item for place, item in enumerate(words)}
            elif words:
                keys[f"{table}.{key}"] = words
    return keys
