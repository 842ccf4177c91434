"""A company, or a person, asks what is held about it, and that it goes (PIPL 45, 47)."""

from __future__ import annotations

import getpass
import json
import socket
import zipfile
from datetime import date, timedelta
from io import BytesIO, StringIO
from pathlib import Path

import pytest
from django.apps import apps
from django.core.management import CommandError, call_command
from django.db import transaction
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency import rights
from agency.freshness import PROVED_AT
from agency.models import Agency, AuditEntry, Membership, Role, User
from agency.people import membership_of
from agency.tenancy import TenantModel, scope
from companies.domain import erasing, holdings
from companies.domain.importing import import_companies, preview
from companies.models import Card, Company, Consent, Contact
from companies.tasks import erase_due
from renewals.models import Evidence, Policy, Renewal, State
from tests.cast import uscc_for
from tests.companies.workbooks import HEADINGS, xlsx
from tests.database import OUR_AGENCY
from tests.renewals.papers import PDF, begin_run, keep_picture, keep_policy


def browser_of(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def season(renewal: Renewal, card: Card, chen: User, tmp_path: Path, settings: object) -> Renewal:
    """A renewal that ran, with evidence and a policy, and is complete."""
    settings.MEDIA_ROOT = tmp_path / "files"  # type: ignore[attr-defined]
    run = begin_run(renewal, card)
    keep_picture(run, tmp_path)
    keep_policy(run, tmp_path)
    end(renewal)
    return renewal


def end(renewal: Renewal) -> None:
    with scope(renewal.agency_id):
        Renewal.objects.filter(pk=renewal.pk).update(
            state=State.COMPLETE, lease_until=None, desk=None, completed_at=timezone.now()
        )


def taken(content: bytes) -> tuple[dict[str, object], set[str]]:
    with zipfile.ZipFile(BytesIO(content)) as archive:
        return json.loads(archive.read("data.json")), set(archive.namelist())


# --- To take away -----------------------------------------------------------------------------


def test_every_table_that_can_hold_something_of_a_company_is_followed() -> None:
    """A new table that refers to a company, a card or a renewal is in the export without anybody's doing."""
    # An import is forgotten after a day, and its row about a company goes with the company. A rehearsal is
    # wiped after a day, and of companies it holds nothing but which they are.
    about_none = {"AuditEntry", "AuditHead", "Batch", "BoardView", "Desk", "Import", "ImportRow", "Rehearsal"}
    tenants = {model.__name__ for model in apps.get_models() if issubclass(model, TenantModel)}
    assert {model.__name__ for model in holdings._in_order()} == tenants - about_none


def test_an_admin_takes_away_everything_about_a_company_and_that_is_told(
    lin: User, season: Renewal, company: Company, wus_company: Company
) -> None:
    response = browser_of(lin).get(reverse("companies:export", args=[company.pk]))
    data, names = taken(response.content)
    tables: dict[str, list[dict[str, object]]] = data["tables"]  # type: ignore[assignment]
    assert [row["name"] for row in tables["company"]] == [company.name]
    assert [row["mobile"] for row in tables["contact"]] == ["13800138000"]
    assert [row["sealed_pin"] for row in tables["card"]] == [True]
    assert [row["number"] for row in tables["policy"]] == ["BD2026000417"]
    assert [row["user"] for row in tables["membership"]] == ["Chen"]
    assert len(tables["stage"]) == 5
    assert sum(name.startswith("files/") for name in names) == 2
    assert wus_company.name not in json.dumps(data, ensure_ascii=False)
    assert "27182818" not in json.dumps(data)
    assert {"claimed", "pin_stored", "company_exported"} <= {entry["what"] for entry in data["audit"]}  # type: ignore[attr-defined]


def test_a_person_gets_what_the_agency_holds_about_him(lin: User, chen: User) -> None:
    with scope(OUR_AGENCY):
        member = Membership.objects.get(user=chen)
    data = json.loads(browser_of(lin).get(reverse("people:export", args=[member.pk])).content)
    assert (data["email"], [one["role"] for one in data["memberships"]]) == (chen.email, ["client"])
    assert [one["what"] for one in data["audit"]] == ["person_exported"]


@pytest.mark.parametrize(("name", "method"), [("export", "get"), ("erase", "get"), ("erase", "post")])
def test_both_need_a_fresh_sign_in(lin: User, company: Company, name: str, method: str) -> None:
    client = browser_of(lin)
    session = client.session
    session[PROVED_AT] = 0
    session.save()
    answer = getattr(client, method)(reverse(f"companies:{name}", args=[company.pk]), {"why": "信函"})
    assert answer.status_code == 302
    with scope(OUR_AGENCY):
        assert Company.objects.filter(pk=company.pk, erased_at=None).exists()


# --- To be gone -------------------------------------------------------------------------------


def test_of_a_company_with_a_past_the_people_go_and_the_proof_stays(
    lin: User, season: Renewal, company: Company, chen: User
) -> None:
    client = browser_of(lin)
    kept_until = date(timezone.localdate().year + 3, 12, 31)
    assert client.get(reverse("companies:erase", args=[company.pk])).context["plan"].kept_until == kept_until
    client.post(reverse("companies:erase", args=[company.pk]), {"why": "企业来函，2026-11-20"})
    with scope(OUR_AGENCY):
        found = Company.objects.get(pk=company.pk)
        left = [model.objects.count() for model in (Contact, Card, Consent, Evidence, Policy)]
        entry = AuditEntry.objects.get(action="company_erased")
    assert (found.note, found.owner, found.kept_until) == ("", None, kept_until)
    assert left == [0, 0, 1, 1, 1]
    assert entry.detail == {
        "why": "企业来函，2026-11-20",
        "kept_until": str(kept_until),
        "counts": {"contacts": 1, "cards": 1, "people": 1},
    }
    chen.refresh_from_db()
    assert (chen.name, chen.is_active, membership_of(chen)) == ("—", False, None)
    assert list(client.get(reverse("companies:list")).context["page"]) == []
    assert client.get(reverse("companies:company", args=[company.pk])).status_code == 200


def test_when_its_time_is_over_the_rest_goes_with_its_files(
    lin: User, season: Renewal, company: Company, tmp_path: Path
) -> None:
    with scope(OUR_AGENCY):
        erasing.erase(company, by=lin, why="企业来函")
    assert erase_due() == 0
    with scope(OUR_AGENCY):
        Renewal.objects.update(changed_at=timezone.now() - timedelta(days=5 * 366))
        Company.objects.update(kept_until=timezone.localdate())
    assert len(stored(tmp_path)) == 2
    assert erase_due() == 1
    with scope(OUR_AGENCY):
        assert [model.objects.count() for model in (Company, Renewal, Evidence, Policy)] == [0, 0, 0, 0]


def stored(folder: Path) -> list[Path]:
    return [path for path in (folder / "files").rglob("*") if path.is_file()]


def test_files_go_and_one_that_another_company_names_stays(
    lin: User,
    season: Renewal,
    company: Company,
    wus_renewal: Renewal,
    wus_company: Company,
    tmp_path: Path,
) -> None:
    with scope(OUR_AGENCY):
        wus_card = wus_company.cards.get()
    keep_picture(begin_run(wus_renewal, wus_card), tmp_path)  # the very same page
    with scope(OUR_AGENCY):
        Renewal.objects.update(changed_at=timezone.now() - timedelta(days=5 * 366))
    with scope(OUR_AGENCY):
        assert erasing.erase(company, by=lin, why="企业来函") is None
    assert [path.suffix for path in stored(tmp_path)] == [".jpg"]
    assert PDF not in [path.read_bytes() for path in stored(tmp_path)]


def test_who_dies_before_the_commit_leaves_a_company_that_can_be_erased_again(
    lin: User, season: Renewal, company: Company, tmp_path: Path
) -> None:
    with scope(OUR_AGENCY):
        Renewal.objects.update(changed_at=timezone.now() - timedelta(days=5 * 366))
        with pytest.raises(RuntimeError), transaction.atomic():
            erasing.erase(company, by=lin, why="企业来函")
            raise RuntimeError
        assert Company.objects.filter(pk=company.pk).exists()
        assert erasing.erase(company, by=lin, why="企业来函") is None
    assert stored(tmp_path) == []


def test_a_company_of_which_nothing_was_done_goes_at_once(lin: User, wus_company: Company, wu: User) -> None:
    browser_of(lin).post(reverse("companies:erase", args=[wus_company.pk]), {"why": "录错"})
    with scope(OUR_AGENCY):
        assert Company.objects.filter(pk=wus_company.pk).count() == 0
        assert AuditEntry.objects.filter(action="company_erased").count() == 1


def test_while_a_renewal_is_under_way_nothing_goes(lin: User, renewal: Renewal, company: Company) -> None:
    answer = browser_of(lin).post(reverse("companies:erase", args=[company.pk]), {"why": "企业来函"})
    assert answer.context["plan"].is_open
    with scope(OUR_AGENCY), pytest.raises(erasing.StillOpen):
        erasing.erase(company, by=lin, why="企业来函")
    with scope(OUR_AGENCY):
        assert Contact.objects.filter(company=company).count() == 1


def test_a_company_that_comes_back_is_a_company_like_others(
    lin: User, season: Renewal, company: Company
) -> None:
    with scope(OUR_AGENCY):
        erasing.erase(company, by=lin, why="企业来函")
        import_companies(preview(xlsx(HEADINGS, (company.name, company.uscc)), "a.xlsx"), by=lin)
        assert Company.objects.get().erased_at is None


def test_who_works_for_another_agency_too_keeps_his_account(
    lin: User, chen: User, company: Company, raos_company: Company
) -> None:
    with scope(raos_company.agency_id):
        Membership.objects.create(user=chen, role="staff")
    with scope(OUR_AGENCY):
        erasing.erase(company, by=lin, why="企业来函")
    chen.refresh_from_db()
    assert (chen.name, chen.is_active) == ("Chen", True)


def test_no_agency_takes_the_operators_account(tang: User, agency: Agency) -> None:
    with scope(OUR_AGENCY):
        Membership(agency=agency, user=tang, role=Role.STAFF, ended_at=timezone.now()).save()
        assert not rights.forget(tang)
    tang.refresh_from_db()
    assert tang.is_active


def test_an_account_is_emptied_by_an_admin_after_its_access_has_ended(lin: User, mei: User) -> None:
    client = browser_of(lin)
    with scope(OUR_AGENCY):
        page = reverse("people:change", args=[Membership.objects.get(user=mei).pk])
    client.post(page, {"act": "erase"})
    assert User.objects.get(pk=mei.pk).name == "Mei"
    client.post(page, {"act": "end"})
    client.post(page, {"act": "erase"})
    gone = User.objects.get(pk=mei.pk)
    assert (gone.name, gone.email, gone.is_active) == ("—", f"{mei.pk}@erased.invalid", False)


# --- By command -------------------------------------------------------------------------------


def test_the_operator_does_the_same_by_command(company: Company, chen: User, tmp_path: Path) -> None:
    archive, person, said = tmp_path / "a.zip", tmp_path / "p.json", StringIO()
    call_command("company_data", "lingnan", company.uscc, export=archive, stdout=said)
    call_command("person_data", "lingnan", chen.email, export=person, stdout=said)
    assert taken(archive.read_bytes())[0]["company"] == company.name
    assert json.loads(person.read_text())["name"] == "Chen"
    assert [path.stat().st_mode & 0o777 for path in (archive, person)] == [0o600, 0o600]
    with pytest.raises(CommandError, match="End the person's access first"):
        call_command("person_data", "lingnan", chen.email, erase=True)
    call_command("company_data", "lingnan", company.uscc, erase="企业来函", stdout=said)
    with scope(OUR_AGENCY):
        told = list(AuditEntry.objects.order_by("number").values_list("action", "actor_name"))
    assert [action for action, _who in told] == ["company_exported", "person_exported", "company_erased"]
    assert {who for _action, who in told} == {f"{getpass.getuser()}@{socket.gethostname()}"}
    with pytest.raises(CommandError, match="has no company"):
        call_command("company_data", "lingnan", uscc_for(999), plan=True)
