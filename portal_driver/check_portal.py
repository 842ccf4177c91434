"""The portal for somebody who may look and not act: the irreversible buttons are never pressed."""

from __future__ import annotations

from dataclasses import replace

from playwright.async_api import BrowserContext, ElementHandle

from portal_driver.check_gate import ReadingGate
from portal_driver.contract import Click
from portal_driver.errors import PageChanged
from portal_driver.portal import Portal
from portal_driver.profile import Profile, Words
from portal_driver.words import mentions
from portal_driver.words import says as is_said

# What an element says, and the thing that a browser would press for it.
_SAID = """element => {
  const text = at => (at.innerText || at.value || "").trim();
  const names = at => [text(at), at.getAttribute("aria-label"), at.getAttribute("title")].filter(Boolean);
  const isMade = at => at.matches("button, a, input, summary, [role], [onclick], [tabindex]");
  const said = names(element);
  for (let at = element, up = 0; at && at !== document.body && up < 8; up += 1) {
    if (isMade(at)) return said.concat(names(at));
    at = at.parentElement ?? at.getRootNode().host ?? null;
  }
  return said;
}"""
# A shorter word ("同意") also stands in texts that are none of the five: there only all of it counts.
_LONG = 4


class ReadingPortal(Portal):
    """One context's tabs, in which what cannot be undone is not pressed. `pressed` lists what was.

    This is the first of two walls. The second is the gate, which lets nothing out that such a button
    would send; it does not depend on words.
    """

    def __init__(self, context: BrowserContext, profile: Profile, gate: ReadingGate) -> None:
        # A question of the browser's own dialogs is always answered with no.
        notices = replace(profile.notices, accept_dialogs=())
        super().__init__(context, replace(profile, notices=notices), lambda waited_s: None)
        self._never = tuple(word for words in irreversible_words(profile).values() for word in words)
        self._gate = gate
        self.pressed: list[str] = []

    async def click(self, element: ElementHandle, *, says: str, timeout_s: float | None = None) -> None:
        """Press an element, unless it is one of the five. Raises `PageChanged` also for those."""
        said: list[str] = await element.evaluate(_SAID)
        for text in said:
            if is_said(text, self._never) or mentions(text, self._long_words()):
                raise PageChanged(expected="something that can be undone", seen=text[:48])
        self.pressed.append(said[0] if said else "")
        self._gate.pressed = self.pressed[-1]
        await super().click(element, says=says, timeout_s=timeout_s)

    def _long_words(self) -> Words:
        return tuple(word for word in self._never if len(word) >= _LONG)


def irreversible_words(profile: Profile) -> dict[Click, Words]:
    """What the five buttons say that cannot be undone."""
    return {
        Click.CONFIRM: profile.pending.confirm,
        Click.SEAL: profile.authorizing.make_seal,
        Click.SIGN: profile.authorizing.sign,
        Click.AUTHORIZE: profile.authorizing.authorize,
        Click.RECEIPT: profile.lists.receipt,
    }
