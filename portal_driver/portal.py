"""The portal as a person at the desk has it before them: tabs, newest first, and what is done in them.

Waiting is for a condition, with a deadline; nothing sleeps for luck.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, Any

from playwright.async_api import BrowserContext, Dialog, ElementHandle, Page
from playwright.async_api import Error as PlaywrightError

from portal_driver.contract import Reason
from portal_driver.errors import DriverError, OutcomeUnknown, PageChanged, PortalUnavailable
from portal_driver.finding import Box, Field, Press, View, closest, look, scroll_through, take
from portal_driver.gate import Token
from portal_driver.movement import Movement
from portal_driver.profile import Profile, Words
from portal_driver.words import mentions, says

if TYPE_CHECKING:
    from portal_driver.pages import Screen

# How Playwright says that an element cannot be pressed, and what that means to an operator.
_HINDRANCES = {
    "intercepts pointer events": "something lies over it",
    "not visible": "it is not in sight",
    "not stable": "it does not come to rest",
    "not enabled": "it is asleep",
    "outside of the viewport": "it cannot be scrolled into sight",
    "not attached": "the page has moved on",
}
_LOADS_ON_S = 3.0  # a page that is still loading then (a picture, a counter) is acted on all the same
_NOTHING_YET = "about:blank"  # what a new window shows until its first document comes
_SLOW_S = 5.0  # a wait is told of after each so many seconds
_FRESH_S = 0.15  # so old may a look be that the next step begins with, if nothing has moved since


class Portal:
    """One context's tabs. `signed_in` is set once a company is shown, `entrance` is the address behind it.

    `dialogs` keeps what dialogs said.
    """

    def __init__(self, context: BrowserContext, profile: Profile, tell_slow: Callable[[float], None]) -> None:
        self.context = context
        self.profile = profile
        self.movement = Movement(context)
        self.signed_in = False
        self.entrance = ""
        self.dialogs: list[str] = []
        self._tell_slow = tell_slow
        self._last_look: tuple[float, View] | None = None
        self._all_words = sorted(set(_words_in(profile)))
        context.on("dialog", self._answer)

    # --- seeing -----------------------------------------------------------------------------

    def tabs(self) -> list[Page]:
        """The open tabs, newest first."""
        return [page for page in reversed(self.context.pages) if not page.is_closed()]

    async def look(self, *, everything: bool = False) -> View:
        """Look at the newest tab, behind the windows that the profile has closed.

        `everything` also lists things that no word of the profile names.
        """
        while tabs := self.tabs():
            began = time.monotonic()
            view = await look(tabs[0], None if everything else self._all_words)
            if len(tabs) == 1 or not self._is_unwanted(view):
                self._last_look = None if everything else (began, view)
                return view
            await tabs[0].close()
        raise PortalUnavailable(Reason.BROWSER_GONE, seen="all tabs are closed")

    async def glance(self) -> View:
        """The look that was just had, where nothing was done or has moved since; else a new one.

        To find the way by. What is compared before an irreversible click is looked at anew.
        """
        return self._just_seen() or await self._look_when_calm()

    def _just_seen(self) -> View | None:
        if self._last_look is None:
            return None
        at, view = self._last_look
        is_old = time.monotonic() - at > _FRESH_S or self.movement.has_moved_since(at)
        return None if is_old else view

    async def _look_when_calm(self) -> View:
        await self.movement.calm()
        self.movement.forget()
        return await self.look()

    async def look_behind(self, view: View, element: ElementHandle) -> View | None:
        """What the tab of an element shows, where the view is of another that lies over it; else None."""
        frame = await element.owner_frame()
        if frame is None or frame.page is view.page:
            return None
        return await look(frame.page, self._all_words)

    async def wait_for[T](
        self,
        seen_in: Callable[[View], T | None],
        expected: Words,
        *,
        token: Token | None = None,
        patient: bool = False,
        to_act: bool = False,
    ) -> T:
        """What `seen_in` makes of the first view in which it sees something.

        The newest tab is looked at all the time, the older ones once it has come to rest. Raises
        `PageChanged` when nothing moves any more and it is not there, `PortalUnavailable` when the
        portal says so or time is up, `OutcomeUnknown` when the token's answer was lost. A patient
        wait does not take rest for an answer: a card signs without any movement in the browser. What is
        found to act on it must have loaded first: a button pressed before its script came does nothing.
        """
        wait = _Wait(self.profile.limits.page_s, self._tell_slow)
        has_scrolled = False
        view: View | None = self._just_seen()
        while True:
            if view is None:
                view = await self._look_when_calm()
            if await self._close_notice(view):
                view = None
                continue
            found = seen_in(view)
            if found is not None and (view.ready or not to_act or wait.seconds > _LOADS_ON_S):
                return found
            self._raise_if_broken(view, token)
            is_awaited = patient or (token is not None and self._is_awaited(token, wait))
            is_still = self.movement.is_still(view, for_s=self.profile.limits.settled_s)
            if is_still and patient and (found := await self._in_older_tabs(seen_in)) is not None:
                return found  # a window that opened by itself must not hide it
            if is_still and not is_awaited:
                if not has_scrolled and await scroll_through(view.page):
                    has_scrolled = True
                    self.movement.stir()
                    view = None
                    continue
                return await self._seen_in_older_tabs(seen_in, view, expected, token)
            if wait.is_over():
                raise await self._missing(view, expected, "still loading")
            await self.movement.next_look(loading=not view.ready or view.page.url == _NOTHING_YET)
            view = None

    def _is_awaited(self, token: Token, wait: _Wait) -> bool:
        """Whether the armed request may still leave, or its answer may still come."""
        if token.fired:
            return not token.over.is_set()
        return wait.seconds < self.profile.limits.press_s

    async def reach[S: Screen](self, *screens: type[S], token: Token | None = None) -> S:
        """The first of these screens that shows. Raises as `wait_for`."""
        return await self.wait_for(
            lambda view: self.recognise(view, screens), self._words_of(screens), token=token
        )

    async def follow[S: Screen](self, way: Sequence[Words], *screens: type[S]) -> S:
        """Press the words of the way, one after the other, until one of the screens shows.

        Of the words in sight the one furthest on the way is pressed, and none twice: a menu may
        be open already, and pressing its word again may close it. Nothing on a way is irreversible.
        """
        left = list(way)
        others: list[Press] = []

        def ahead(view: View) -> tuple[S | None, Press | None] | None:
            screen = self.recognise(view, screens)
            steps = [] if screen else _furthest(view, left)
            others[:] = steps[1:] or others
            return (screen, steps[0] if steps else None) if screen or steps else None

        while True:
            try:
                expected = left[0] if left else self._words_of(screens)
                screen, step = await self.wait_for(ahead, expected, to_act=True)
            except PageChanged:
                # Nothing came of the likeliest of several that say the word: the next one may be a door.
                if not others:
                    raise
                screen, step = None, others.pop(0)
            if screen is not None:
                return screen
            if step and await self.press_seen(step, says=step.said):
                ahead_of_it = (place for place, words in enumerate(left) if says(step.said, words))
                del left[: 1 + next(ahead_of_it, -1)]

    def recognise[S: Screen](self, view: View, screens: Sequence[type[S]]) -> S | None:
        """The first of these screens that the view shows, or None."""
        for screen in screens:
            if screen.shown_in(view, self.profile):
                return screen(self, view)
        return None

    def _words_of(self, screens: Sequence[type[Screen]]) -> Words:
        return tuple(screen.words(self.profile)[0] for screen in screens)

    def has_come_in(self, view: View) -> None:
        """The portal accepted us and this is what it showed then."""
        self.signed_in = True
        self.entrance = view.page.url

    async def come_in(self) -> None:
        """Open the page that the portal showed after the sign-in, anew."""
        await self.open(self.entrance)

    # --- acting -----------------------------------------------------------------------------

    async def open(self, address: str) -> None:
        """Open an address in a new tab. Raises `PortalUnavailable` when nothing answers there."""
        tab = await self.context.new_page()
        try:
            await tab.goto(address, wait_until="commit", timeout=self.profile.limits.page_s * 1000)
        except PlaywrightError as error:
            seen = _first_line(error).split(" at ", 1)[0]
            raise PortalUnavailable(Reason.PORTAL_UNAVAILABLE, expected=address, seen=seen) from None

    async def find(
        self,
        words: Words,
        seen_in: Callable[[View], Press | None] | None = None,
        *,
        before: View | None = None,
    ) -> ElementHandle:
        """The one enabled thing to press that says the words. Nothing is pressed yet.

        `seen_in` says which thing is meant where the words alone do not tell. `before` is a view that was
        just had: what stands in it needs no other look.
        """
        return await self.element(_awake(words, seen_in), words, before=before)

    async def press(
        self,
        words: Words,
        seen_in: Callable[[View], Press | None] | None = None,
        *,
        before: View | None = None,
    ) -> None:
        """Press what says the words, once it can be pressed. Not for irreversible things.

        `seen_in` and `before` as in `find`.
        """
        await self._press_first(_awake(words, seen_in), words, before)

    async def walk(self, words: Words, *, before: View | None = None) -> None:
        """Press what leads where the words say. Raises `PageChanged` where nothing says them."""
        await self._press_first(lambda view: next(iter(view.ways(words)), None), words, before)

    async def _press_first(
        self, seen_in: Callable[[View], Press | None], words: Words, before: View | None
    ) -> None:
        thing = await self._thing(seen_in, words, before)
        while not await self.press_seen(thing, says=words[0]):
            thing = await self._thing(seen_in, words, None)

    async def press_seen(self, thing: Press | Box, *, says: str) -> bool:
        """Press a thing that was seen; False where it is no longer on the page. Not for irreversible things.

        Raises `PageChanged` as `click`.
        """
        element = await take(thing)
        if element is not None:
            await self.click(element, says=says)
        return element is not None

    async def click(self, element: ElementHandle, *, says: str, timeout_s: float | None = None) -> None:
        """Press an element as a person does: in sight, not covered, at rest.

        Raises `PageChanged` with the words that the element says and what is in the way.
        """
        self.movement.begin()
        page = self.tabs()[0]
        try:
            await element.click(timeout=(timeout_s or self.profile.limits.press_s) * 1000)
        except PlaywrightError as error:
            if page.is_closed() and not self.movement.gone.is_set():
                return  # the press closed its own tab
            raise PageChanged(expected=f"{says}, to be pressed", seen=_in_the_way(error)) from None

    async def fill(self, values: Mapping[Words, str]) -> View:
        """Fill the fields with these labels; returns what the page shows then.

        Raises `PageChanged` when one of them reads otherwise once all are filled.
        """
        elements = await self._fields(list(values))
        for element, value in zip(elements, values.values(), strict=True):
            await element.fill(value)
        for element, (words, value) in zip(elements, values.items(), strict=True):
            stands = await element.evaluate("field => field.value ?? field.textContent")
            if stands.strip() != value:
                raise PageChanged(expected=f"{words[0]} as written", seen="the page changed what was written")
        return await self.look()

    async def _fields(self, labels: Sequence[Words]) -> list[ElementHandle]:
        """All of the labelled fields, as they stand beside each other in one view."""

        def all_in(view: View) -> list[Field] | None:
            found = [field for words in labels if (field := view.field(words))]
            return found if len(found) == len(labels) else None

        while True:
            fields = await self.wait_for(all_in, tuple(words[0] for words in labels), to_act=True)
            elements = await asyncio.gather(*map(take, fields))
            if None not in elements:
                return [element for element in elements if element]

    async def tick(self, words: Words, *, before: View | None = None) -> None:
        """Tick the box beside the words, unless it is ticked."""

        def beside(view: View) -> Box | Press | None:
            return view.box(words) or view.label(words)

        box: Box | Press = await self._thing(beside, words, before)
        while not (isinstance(box, Box) and box.ticked) and not await self.press_seen(box, says=words[0]):
            box = await self._thing(beside, words, None)

    async def element(
        self,
        seen_in: Callable[[View], Press | Field | Box | None],
        expected: Words,
        *,
        before: View | None = None,
    ) -> ElementHandle:
        """The element behind the first thing that `seen_in` sees. Raises as `wait_for`."""
        element = await take(await self._thing(seen_in, expected, before))
        while element is None:
            element = await take(await self._thing(seen_in, expected, None))
        return element

    async def _thing[T: Press | Field | Box](
        self, seen_in: Callable[[View], T | None], expected: Words, before: View | None
    ) -> T:
        """What can be acted on: at once in a view that was just had, or in the first that shows it."""
        if before is not None and before.ready:
            thing = seen_in(before)
            if thing is not None and not (isinstance(thing, Press) and thing.covered):
                return thing
        return await self.wait_for(seen_in, expected, to_act=True)

    async def rest(self) -> View:
        """The newest tab once nothing moves in it any more, or once a page may take no longer."""
        wait = _Wait(self.profile.limits.page_s, self._tell_slow)
        while True:
            view = await self._look_when_calm()
            if self.movement.is_still(view, for_s=self.profile.limits.settled_s) or wait.is_over():
                return view
            await self.movement.next_look(loading=not view.ready or view.page.url == _NOTHING_YET)

    async def close_top_layer(self, words: Words) -> None:
        """Press what closes the layer on top, if there is one."""
        view = await self.look()
        in_layers = [press for press in view.saying((*words, *self.profile.notices.close)) if press.layer]
        if in_layers:
            top = max(in_layers, key=lambda press: press.layer)
            await self.press_seen(top, says=top.said)

    # --- what gets in the way -----------------------------------------------------------------

    async def _close_notice(self, view: View) -> bool:
        """Close a notice that the profile lists, if one lies on the page. True when one was closed."""
        notices = self.profile.notices
        for press in view.presses:
            is_notice = press.layer > 0 and not press.covered and mentions(press.inside, notices.titles)
            pending = self.profile.pending
            is_wanted = mentions(press.inside, (*pending.application, *pending.banner))
            is_closer = is_notice and not is_wanted and says(press.said, notices.close)
            if is_closer and await self.press_seen(press, says=press.said):
                return True
        return False

    def _is_unwanted(self, view: View) -> bool:
        """Whether it is a window that the profile lists, with nothing in it to press but what closes it.

        A page that only links to such a window is not one: it may be the very page that proves a deed.
        """
        notices = self.profile.notices
        is_headed = any(says(leaf.text, notices.windows) for leaf in view.leaves)
        is_listed = view.ready and is_headed and not view.offers(notices.windows)
        return is_listed and not view.secret and not view.has_press_but((*notices.close, *notices.windows))

    async def _answer(self, dialog: Dialog) -> None:
        """Answer a dialog by the profile's rule; one that it does not name is declined and remembered."""
        self.dialogs.append(dialog.message)
        named = mentions(dialog.message, self.profile.notices.accept_dialogs)
        if dialog.type in ("alert", "beforeunload") or named:
            await dialog.accept()
        else:
            await dialog.dismiss()

    def _raise_if_broken(self, view: View, token: Token | None) -> None:
        if token is not None and (token.lost or token.status >= 500):
            raise OutcomeUnknown(seen=token.lost or f"HTTP {token.status}")
        if broken := self.movement.broken(view):
            raise PortalUnavailable(Reason.PORTAL_UNAVAILABLE, seen=broken)
        if self.signed_in and self._asks_to_sign_in(view):
            raise PortalUnavailable(Reason.SESSION_LOST, seen="the portal asks to sign in again")

    def _asks_to_sign_in(self, view: View) -> bool:
        said = view.mentions(self.profile.trouble.session_lost)
        return view.asks_for_pin or bool(said) or view.has_press(self.profile.sign_in.card_tab)

    async def _seen_in_older_tabs[T](
        self, seen_in: Callable[[View], T | None], newest: View, expected: Words, token: Token | None
    ) -> T:
        """What an older tab shows; not after an armed click: they show what was before it."""
        found = await self._in_older_tabs(seen_in) if token is None else None
        if found is not None:
            return found
        raise await self._missing(newest, expected, "")

    async def _in_older_tabs[T](self, seen_in: Callable[[View], T | None]) -> T | None:
        for page in self.tabs()[1:]:
            found = seen_in(await look(page, self._all_words))
            if found is not None:
                return found
        return None

    async def _missing(self, view: View, expected: Words, seen: str) -> DriverError:
        """Why the expected words are not there: the portal cannot serve, or it has changed."""
        detail = {"expected": " / ".join(expected)}
        if self.dialogs:
            detail["dialog"] = self.dialogs[-1]
        cannot = view.mentions(self.profile.trouble.unavailable) or self.movement.failed_call() or seen
        if cannot:
            return PortalUnavailable(Reason.PORTAL_UNAVAILABLE, **detail, seen=cannot)
        detail["seen"] = view.text.split("\n", 1)[0][:80]
        detail["nearest"] = closest(await self.look(everything=True), expected)
        return PageChanged(Reason.PAGE_CHANGED, **detail)


class _Wait:
    """One wait: when it is over, and when to say that it is long."""

    def __init__(self, limit_s: float, tell_slow: Callable[[float], None]) -> None:
        self._begun_at = self._told_at = time.monotonic()
        self._limit_s = limit_s
        self._tell_slow = tell_slow

    @property
    def seconds(self) -> float:
        """How long it has been."""
        return time.monotonic() - self._begun_at

    def is_over(self) -> bool:
        """Whether the time is up; tells of a long wait on the way."""
        now = time.monotonic()
        if now - self._told_at > _SLOW_S:
            self._told_at = now
            self._tell_slow(round(now - self._begun_at, 1))
        return now - self._begun_at > self._limit_s


def _awake(words: Words, seen_in: Callable[[View], Press | None] | None) -> Callable[[View], Press | None]:
    """What sees the one thing that says the words, or that `seen_in` sees, once it can be pressed."""

    def awake(view: View) -> Press | None:
        press = seen_in(view) if seen_in else view.press(words)
        return press if press and not press.disabled else None

    return awake


def _furthest(view: View, way: Sequence[Words]) -> list[Press]:
    """What says the word that is furthest on the way, of those in sight; the likeliest first."""
    for words in reversed(way):
        enabled = [press for press in view.ways(words) if not press.disabled]
        if enabled:
            return enabled
    return []


def _words_in(thing: Any) -> Iterable[str]:
    """Every word of a profile, wherever it stands."""
    if isinstance(thing, str):
        yield thing
    elif isinstance(thing, tuple):
        for item in thing:
            yield from _words_in(item)
    elif is_dataclass(thing):
        for field in fields(thing):
            yield from _words_in(getattr(thing, field.name))


def _in_the_way(error: PlaywrightError) -> str:
    """What kept an element from being pressed, of all that Playwright tells."""
    for line in reversed(error.message.splitlines()):
        for sign, words in _HINDRANCES.items():
            if sign in line:
                return words
    return "it does not take the press"


def _first_line(error: PlaywrightError) -> str:
    return error.message.splitlines()[0]
