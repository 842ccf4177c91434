"""The one place where something irreversible is pressed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from portal_driver.camera import text_digest
from portal_driver.contract import Arm, Armed, Click, Confirmed, NotArmed, Reason
from portal_driver.errors import DriverError, OutcomeUnknown, RunStopped, StarterGone
from portal_driver.finding import Press, View
from portal_driver.gate import Token
from portal_driver.pages import Screen
from portal_driver.profile import Words
from portal_driver.sitting import Sitting


class StopBefore(Exception):
    """The plan ends before this click. Not an error: the run did what it was asked to do."""

    def __init__(self, click: Click) -> None:
        self.click = click
        super().__init__(click)


async def press_once[T](
    sitting: Sitting,
    click: Click,
    screen: Screen,
    words: Words,
    confirmed_by: Callable[[Token], Awaitable[tuple[T, str]]],
    *,
    button_in: Callable[[View], Press | None] | None = None,
) -> T:
    """Press an irreversible button once, if page and plan agree and the starter commits to it.

    The button is the one that says the words, or what `button_in` sees of them in a view.
    `confirmed_by` waits for what proves the effect and returns it with words that say so. Before
    the starter's `Armed` any error leaves the portal untouched; after it, whatever is not that
    proof is `OutcomeUnknown`: also an error of the browser, because a press that seems to fail may
    have been delivered.
    """
    view = await sitting.portal.look()
    await sitting.check_page(view)
    button = await sitting.portal.find(words, button_in, before=view)
    behind = await sitting.portal.look_behind(view, button)
    if behind is not None:
        view = behind
        await sitting.check_page(view)
    await sitting.keep(screen.name, view, click.stage)
    if sitting.plan.stop_before is click:
        raise StopBefore(click)
    sitting.evidence.check_writable()
    page_sha256 = text_digest(view)
    armed = await _arm(sitting, click, page_sha256)
    token = sitting.gate.open(armed)
    try:
        await sitting.portal.click(button, says=words[0], timeout_s=max(token.seconds_left, 0.001))
        result, proof = await confirmed_by(token)
    except StarterGone:
        raise
    except Exception as error:
        raise _unknown(sitting, click, token, error) from error
    finally:
        sitting.gate.close()
    sitting.gate.proved()
    sitting.starter.tell(Confirmed(click, proof))
    sitting.keep_proof(click, screen.name, page_sha256=page_sha256, request_sha256=token.fired, proof=proof)
    return result


async def _arm(sitting: Sitting, click: Click, page_sha256: str) -> Armed:
    company = sitting.plan.company
    answer = await sitting.starter.arm(Arm(click, company.name, company.uscc, page_sha256))
    if isinstance(answer, NotArmed):
        raise RunStopped(Reason.NOT_ARMED, click=str(click), why=answer.why)
    return answer


def _unknown(sitting: Sitting, click: Click, token: Token, error: Exception) -> OutcomeUnknown:
    detail = error.detail if isinstance(error, DriverError) else {"seen": type(error).__name__}
    left = "the request left once" if token.fired else "no request was seen to leave"
    stopped = {"stopped": " ".join(sitting.gate.stopped)} if sitting.gate.stopped else {}
    return OutcomeUnknown(click=str(click), request=left, **{**detail, **stopped})
