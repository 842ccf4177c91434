"""Evidence and policies with real files, as a run leaves them."""

from __future__ import annotations

from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path

from django.utils import timezone

from agency.tenancy import scope
from companies.models import Card
from portal_driver import contract
from renewals.domain import keeping
from renewals.models import Desk, Evidence, Policy, Renewal, Run
from tests.renewals.runs import claim

PICTURE = b"\xff\xd8\xff picture of the portal"
PDF = b"%PDF-1.7 the policy"
POLICY_NUMBER = "BD2026000417"


def begin_run(renewal: Renewal, card: Card) -> Run:
    """A run of this renewal, whose card is its company's."""
    with scope(renewal.agency_id):
        desk = Desk.objects.create(name="9 号读卡台", code=f"d-{renewal.pk}"[:24], control="ws://127.0.0.1:1")
    return claim(card, desk)


def keep_picture(run: Run, directory: Path, *, page: str = "pending_policy") -> Evidence:
    """A picture that the run took."""
    return _keep(
        run, directory, contract.Evidence(None, "picture", page, "01.jpg", _sha(PICTURE), 8), PICTURE
    )


def keep_markup(run: Run, directory: Path, markup: bytes) -> Evidence:
    """A page's markup that the run kept."""
    return _keep(
        run, directory, contract.Evidence(None, "text", "unknown", "02.html", _sha(markup), 8), markup
    )


def _keep(run: Run, directory: Path, brought: contract.Evidence, content: bytes) -> Evidence:
    (directory / brought.file).write_bytes(content)
    with scope(run.agency_id):
        return keeping.keep_evidence(run, brought, directory=directory)


def keep_policy(run: Run, directory: Path, *, begins: date | None = None) -> Policy:
    """The policy that the run downloaded; it covers a year from `begins`, by default from today."""
    begins = begins or timezone.localdate()
    (directory / "policy.pdf").write_bytes(PDF)
    brought = contract.PolicyRead(
        number=POLICY_NUMBER,
        valid_from=begins.isoformat(),
        valid_to=(begins + timedelta(days=364)).isoformat(),
        insurer="中国出口信用保险公司",
        file="policy.pdf",
        sha256=_sha(PDF),
        size=len(PDF),
    )
    with scope(run.agency_id):
        return keeping.keep_policy(run, brought, directory=directory)


def _sha(content: bytes) -> str:
    return sha256(content).hexdigest()
