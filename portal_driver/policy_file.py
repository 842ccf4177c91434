"""Whether a downloaded policy is whole, and whose it is."""

from __future__ import annotations

from io import BytesIO

from pypdf import PdfReader
from pypdf.errors import PyPdfError

from portal_driver.contract import Company, Reason
from portal_driver.errors import PersonNeeded, PortalUnavailable
from portal_driver.words import normalise

_TAIL = 1024  # a PDF's end mark stands within its last kilobyte


def check_policy_file(content: bytes, *, company: Company, number: str) -> None:
    """Let only a whole PDF pass that names this company, its USCC and this policy number.

    Raises `PortalUnavailable` (POLICY_FILE_BROKEN: download it again another time) or
    `PersonNeeded` (POLICY_OF_ANOTHER).
    """
    if not content.startswith(b"%PDF") or b"%%EOF" not in content[-_TAIL:]:
        raise PortalUnavailable(
            Reason.POLICY_FILE_BROKEN, seen=f"{len(content)} bytes that are not a whole PDF"
        )
    text = normalise(_text(content))
    wanted = {"company": normalise(company.name), "uscc": company.uscc, "number": normalise(number)}
    missing = [what for what, said in wanted.items() if said not in text]
    if missing:
        raise PersonNeeded(
            Reason.POLICY_OF_ANOTHER, expected=number, seen=f"a policy without this {missing[0]}"
        )


def _text(content: bytes) -> str:
    try:
        return "\n".join(page.extract_text() for page in PdfReader(BytesIO(content)).pages)
    except (PyPdfError, ValueError, KeyError, IndexError, RecursionError) as error:
        raise PortalUnavailable(
            Reason.POLICY_FILE_BROKEN, seen=f"a PDF that cannot be read: {error}"
        ) from None
