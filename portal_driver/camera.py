"""Pictures of a page for the record: what is on the screen, with personal data masked."""

from __future__ import annotations

import hashlib
import re

from playwright.async_api import Error as PlaywrightError
from playwright.async_api import Locator

from portal_driver.finding import View

_QUALITY = 60
_TAKEN_WITHIN_S = 10
_TYPED_INTO = "textarea, input:not([type=checkbox], [type=radio], [type=button], [type=submit])"
_MASK = "#8a8f98"
_PERSONAL = re.compile(
    r"(?<![0-9A-Za-z])(?:1[3-9]\d{9}|\d{17}[0-9Xx])(?![0-9A-Za-z])|[\w.+-]+@[\w-]+(?:\.[\w-]+)+"
)


async def picture(view: View, private: tuple[str, ...]) -> bytes | None:
    """A JPEG of the visible part, or None: while a PIN field is anywhere in the page none is taken.

    What people typed is masked, and each of the `private` texts wherever it stands.
    """
    if view.secret:
        return None
    masks: list[Locator] = [
        frame.locator(_TYPED_INTO) for frame in {field.document.frame for field in view.fields}
    ]
    for text in private:
        if text in view.text:
            masks += [frame.get_by_text(text) for frame in view.page.frames]
    try:
        # Hiding the caret would cost each frame a style sheet of its own.
        return await view.page.screenshot(
            type="jpeg",
            quality=_QUALITY,
            caret="initial",
            mask=masks,
            mask_color=_MASK,
            timeout=_TAKEN_WITHIN_S * 1000,
        )
    except PlaywrightError:
        return None  # the page went away or hangs; its text was kept


def private_in(text: str) -> tuple[str, ...]:
    """What in a page's text names a person: mobiles, e-mails and identity numbers."""
    return tuple({found.group() for found in _PERSONAL.finditer(text)})


def text_digest(view: View) -> str:
    """The sha256 of what the page says, as `Arm` reports it."""
    return hashlib.sha256(view.text.encode()).hexdigest()


def without_values(html: str) -> str:
    """A page's HTML for an operator who mends the profile: no scripts, no values, no parameters."""
    html = re.sub(r"(?is)<script\b.*?</script>", "<script></script>", html)
    html = re.sub(r"""(?i)(\bvalue\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""", r'\1"●"', html)
    return re.sub(r"""\?[^\s"'<>]*""", "?●", html)
