"""A check's report in words, for whoever keeps the profile. Everything in it is masked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from portal_driver.check_gate import Fate, SeenRequest, without_parameters
from portal_driver.check_notes import Finding, Form, Notes, State
from portal_driver.check_portal import irreversible_words
from portal_driver.profile import Profile
from portal_driver.words import mentions

WIDTH = 100


@dataclass(frozen=True)
class Heading:
    """What was checked, how far it came, and when."""

    profile: str
    portal: str
    browser: str
    at: str
    reached: str


def report(
    heading: Heading,
    notes: Notes,
    requests: list[SeenRequest],
    profile: Profile,
    unseen: list[str],
    proposal: str,
) -> str:
    """The whole report. `unseen` are keys that no screen was searched for."""
    sections = (
        _head(heading, notes, requests),
        _words(notes.findings),
        _troubles(notes),
        _requests(requests),
        _forms(notes),
        _irreversible(notes.forms, profile),
        _addresses(notes),
        _unseen(unseen),
        ["PROPOSED PROFILE", proposal],
    )
    filled = (section for lines in sections if (section := list(lines)))
    return notes.masker.clean("\n".join(line for lines in filled for line in (*lines, "")))


def _head(heading: Heading, notes: Notes, requests: list[SeenRequest]) -> Iterator[str]:
    found = sum(finding.state is State.FOUND for finding in notes.findings)
    stopped = sum(request.fate in (Fate.STOPPED, Fate.IRREVERSIBLE) for request in requests)
    yield f"Check of the profile {heading.profile} on {heading.portal}"
    yield f"{heading.at}, {heading.browser}"
    yield f"Reached: {heading.reached}"
    yield f"Words: {found} found, {len(notes.missing())} MISSING. Requests stopped: {stopped}."
    yield "Nothing that cannot be undone was pressed, and nothing that could do it left the browser."
    yield from notes.remarks


def _words(findings: list[Finding]) -> Iterator[str]:
    yield "WORDS OF THE PROFILE"
    for screen in dict.fromkeys(finding.screen for finding in findings):
        yield f"  {screen}"
        for finding in (one for one in findings if one.screen == screen):
            line = f"    {finding.state:<10} {finding.want.key:<28}"
            if finding.state is State.FOUND:
                yield f"{line} {finding.said}"
            else:
                yield f"{line} {' / '.join(finding.want.words)}  ({finding.want.kind.name})"
            if finding.state is State.MISSING:
                yield f"{'':<16}nearest: {' | '.join(finding.nearest) or 'nothing like it'}"


def _troubles(notes: Notes) -> Iterator[str]:
    if notes.troubles:
        yield "WHERE THE WAY ENDED"
    for trouble in notes.troubles:
        yield f"  {trouble.screen}: {trouble.reason}"
        yield from (f"    {key}: {said}" for key, said in trouble.detail.items())


def _requests(requests: list[SeenRequest]) -> Iterator[str]:
    yield "REQUESTS THAT ARE NOT PLAIN READS (method and address without parameters)"
    if not requests:
        yield "  none"
    for request in dict.fromkeys(requests):
        pressed = f"after pressing {request.pressed}" if request.pressed else "before anything was pressed"
        yield f"  {request.fate}: {request.line}"
        yield f"    on {request.screen}, {pressed}"
    if any(request.fate is Fate.STOPPED for request in requests):
        yield "  A page whose query was stopped may show less than it does to a person. Where somebody who"
        yield '  knows the portal says that a request only asks, check again with --let-through "POST https://…".'


def _forms(notes: Notes) -> Iterator[str]:
    if notes.forms:
        yield "FORMS ON THE PAGES (not sent; with what stands on their buttons)"
    for form in dict.fromkeys(notes.forms):
        yield f"  {form.line}"
        yield f"    on {form.screen}: {form.buttons or 'no button'}"


def _irreversible(forms: list[Form], profile: Profile) -> Iterator[str]:
    """Whether the profile's list of irreversible requests names the forms that bear the five words."""
    yield "IRREVERSIBLE REQUESTS (what the five buttons would have sent, as far as a form tells)"
    for click, words in irreversible_words(profile).items():
        patterns = profile.irreversible[click]
        lines = dict.fromkeys(form.line for form in forms if mentions(form.buttons, words))
        for line in lines:
            is_named = any(pattern.search(line) for pattern in patterns)
            yield f"  {click}: {line}  {'named by the profile' if is_named else 'NOT named by the profile'}"
        if not lines:
            yield f"  {click}: not seen; {_unconfirmed(len(patterns))}"


def _unconfirmed(patterns: int) -> str:
    if not patterns:
        return "the profile's list is empty, so the first request of the armed click counts"
    return f"nothing here confirms what the profile names ({patterns}); on a new portal write []"


def _addresses(notes: Notes) -> Iterator[str]:
    yield "ADDRESSES"
    for screen, (tab, *frames) in notes.addresses.items():
        yield f"  {screen}: {tab}"
        yield from (f"    in it {frame}" for frame in frames)
    yield from (f"  card control, as the page calls it: {without_parameters(one)}" for one in notes.controls)


def _unseen(keys: Iterable[str]) -> Iterator[str]:
    yield "NOT LOOKED FOR (behind a click that cannot be undone, on a screen not reached, or only in trouble)"
    line = " "
    for key in keys:
        if len(line) + len(key) > WIDTH:
            yield line
            line = " "
        line += f" {key}"
    yield line
