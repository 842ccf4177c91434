"""Companies, contacts and cards by form; owner and tags of many; and lists that are filtered by them."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency.models import Agency, AuditEntry, Membership, User
from agency.tenancy import scope
from companies.initials import initials_of
from companies.models import Card, Company, Consent, Contact
from renewals.models import Renewal
from tests.cast import YEAR, make_company, uscc_for

LIST, MANY, CONFIRM = (
    reverse(name) for name in ("companies:list", "companies:edit_many", "companies:edit_many_confirm")
)


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def names(page: Client, **query: str) -> list[str]:
    return [row.company.name for row in page.get(LIST, {"year": str(YEAR)} | query).context["rows"]]


def newest(agency: Agency) -> tuple[str, dict[str, object]]:
    with scope(agency.pk):
        entry = AuditEntry.objects.order_by("-number")[0]
    return entry.action, entry.detail


@pytest.mark.parametrize(
    ("name", "initials"),
    [
        ("广州市宏达贸易有限公司", "gzshdmyyxgs"),
        ("重庆银行（集团）ABC 7号", "cqyhjtabc7h"),
        ("Hong Da Ltd.", "hongdaltd"),
    ],
)
def test_initials_are_what_a_chinese_reader_would_type(name: str, initials: str) -> None:
    assert initials_of(name) == initials


def test_initials_follow_the_name(company: Company) -> None:
    with scope(company.agency_id):
        company.name = "清远市远航电子有限公司"
        company.save()
        assert Company.objects.get().initials == "qysyhdzyxgs"


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"ready": "yes"}, ["ready"]),
        ({"ready": "no"}, ["unknown", "unconsented"]),
        ({"ready": "queued"}, ["queued"]),
        ({"ready": "consent_missing"}, ["unknown", "unconsented"]),
        ({"ready": "card_missing"}, ["unknown"]),
        ({"tag": "重点"}, ["ready"]),
        ({"ends": "2027-01-01"}, ["unconsented"]),
    ],
)
def test_the_list_is_filtered_by_what_it_says(
    page: Client,
    agency: Agency,
    company: Company,
    wus_renewal: Renewal,
    query: dict[str, str],
    expected: list[str],
) -> None:
    unknown = make_company(agency, 5, "深圳市新来贸易有限公司", ready=False)
    unconsented = make_company(agency, 6, "珠海市明珠灯饰有限公司")
    with scope(agency.pk):
        Company.objects.filter(pk=company.pk).update(tags=["重点", "老客户"])
        Consent.objects.filter(company=unconsented).delete()
        Card.objects.filter(company=unconsented).update(valid_until="2026-12-31")
    called = {
        "ready": company.name,
        "queued": wus_renewal.company.name,
        "unknown": unknown.name,
        "unconsented": unconsented.name,
    }
    assert names(page, **query) == [called[one] for one in expected]


def test_the_list_may_show_one_persons_companies_and_those_of_nobody(
    page: Client, mei: User, company: Company, wus_company: Company
) -> None:
    with scope(company.agency_id):
        Company.objects.filter(pk=company.pk).update(owner=mei)
    assert names(page, owner=str(mei.pk)) == [company.name]
    assert names(page, owner="null") == [wus_company.name]


def test_the_address_says_which_columns_are_shown(page: Client, company: Company) -> None:
    assert page.get(LIST).context["columns"] == ["contact", "card", "owner", "ends"]
    chosen = page.get(LIST, {"columns": ["tags", "region", "nonsense"]}).context["columns"]
    assert chosen == ["region", "tags"]


def test_the_order_is_that_of_the_pinyin(page: Client, agency: Agency) -> None:
    for number, name in enumerate(
        ("中山市安顺有限公司", "珠海市安顺有限公司", "佛山市安顺有限公司"), start=20
    ):
        make_company(agency, number, name, ready=False)
    assert names(page) == ["佛山市安顺有限公司", "珠海市安顺有限公司", "中山市安顺有限公司"]


# --- One at a time ----------------------------------------------------------------------------


def test_a_company_is_made_by_hand(page: Client, agency: Agency, mei: User) -> None:
    sent = {
        "name": "佛山市明珠灯饰有限公司",
        "uscc": f" {uscc_for(9).lower()} ",
        "tags": "重点，老客户 重点",
        "owner": str(mei.pk),
    }
    page.post(reverse("companies:new"), sent)
    with scope(agency.pk):
        [company] = Company.objects.all()
    assert (company.uscc, company.tags, company.owner_id) == (uscc_for(9), ["重点", "老客户"], mei.pk)
    assert newest(agency)[0] == "company_made"


@pytest.mark.parametrize("uscc", ["91440100MAB53RXR8X", "1"])
def test_a_code_with_a_mistake_is_asked_for_again(page: Client, agency: Agency, uscc: str) -> None:
    response = page.post(reverse("companies:new"), {"name": "明珠", "uscc": uscc})
    assert response.context["form"].errors["uscc"] == [f"{uscc} 不是有效的统一社会信用代码，请核对这 18 位"]


def test_the_code_of_another_company_is_refused_with_its_name(page: Client, company: Company) -> None:
    response = page.post(reverse("companies:new"), {"name": "明珠", "uscc": company.uscc})
    assert response.context["form"].errors["uscc"] == [f"这个代码是另一家企业的：{company.name}"]


def test_an_edit_is_told_in_the_trail_with_people_masked(
    page: Client, agency: Agency, company: Company
) -> None:
    with scope(agency.pk):
        contact = company.contacts.get()
    sent = {"name": "李美玲", "mobile": "+86 139 0013 9000", "email": contact.email, "is_primary": "on"}
    page.post(reverse("companies:contact", args=[contact.pk]), sent)
    with scope(agency.pk):
        contact.refresh_from_db()
    assert (contact.name, contact.mobile) == ("李美玲", "13900139000")
    changes = {"contact": ["王…", "李…"], "mobile": ["…8000", "…9000"]}
    assert newest(agency) == ("company_edited", {"changes": changes})


def test_there_is_one_primary_contact_whoever_is_added_or_deleted(
    page: Client, agency: Agency, company: Company
) -> None:
    sent = {"name": "李美玲", "mobile": "13900139000", "email": "li@hongda.example", "is_primary": "on"}
    page.post(reverse("companies:new_contact", args=[company.pk]), sent)
    assert primary_contacts(agency) == ["李美玲"]
    with scope(agency.pk):
        li = Contact.objects.get(name="李美玲")
    page.post(reverse("companies:contact", args=[li.pk]), {"name": "李美玲"})
    assert primary_contacts(agency) == ["李美玲"]  # somebody is written to
    page.post(reverse("companies:delete_contact", args=[li.pk]))
    assert primary_contacts(agency) == ["王志强"]


def primary_contacts(agency: Agency) -> list[str]:
    with scope(agency.pk):
        return list(Contact.objects.filter(is_primary=True).values_list("name", flat=True))


def test_a_card_is_entered_by_form_and_makes_the_company_ready(
    page: Client, agency: Agency, company: Company
) -> None:
    with scope(agency.pk):
        company.cards.all().delete()
    address = reverse("companies:new_card", args=[company.pk])
    valid_until = timezone.localdate() + timedelta(days=90)
    sent = {
        "number": "Ｃ44 0000 1234",
        "kind": "legal_person",
        "custody": "agency",
        "valid_until": valid_until,
    }
    page.post(address, sent)
    with scope(agency.pk):
        assert Card.objects.get().number == "C4400001234"
    assert names(page, ready="yes") == [company.name]


def test_a_card_with_another_number_has_no_pin_until_one_is_stored(
    page: Client, card: Card, agency: Agency
) -> None:
    address, same = reverse("companies:card", args=[card.pk]), {"kind": card.kind, "custody": card.custody}
    page.post(address, same | {"number": card.number, "drawer": "B-7"})
    with scope(agency.pk):
        assert Card.objects.get().sealed_pin is not None
    page.post(address, same | {"number": "C4400009999"})
    with scope(agency.pk):
        assert Card.objects.get().sealed_pin is None
        assert AuditEntry.objects.filter(action="pin_dropped").count() == 1


def test_the_card_of_another_company_is_refused_with_its_name(
    page: Client, company: Company, wus_company: Company
) -> None:
    with scope(company.agency_id):
        number = wus_company.cards.get().number
    sent = {"number": number, "kind": "legal_person", "custody": "agency"}
    response = page.post(reverse("companies:new_card", args=[company.pk]), sent)
    assert response.context["form"].errors["number"] == [f"这张卡是另一家企业的：{wus_company.name}"]


def test_the_page_of_a_company_tells_what_was_done_to_it(page: Client, company: Company) -> None:
    page.post(reverse("companies:edit", args=[company.pk]), {"name": "宏达", "uscc": company.uscc})
    response = page.get(reverse("companies:company", args=[company.pk]))
    assert [(entry["words"], entry["who"]) for entry in response.context["log"]] == [("修改企业资料", "Mei")]


# --- Somebody has left ------------------------------------------------------------------------


@pytest.fixture
def lin_left(agency: Agency, lin: User, company: Company) -> User:
    """Was in charge of a company, and works here no more."""
    with scope(agency.pk):
        Company.objects.filter(pk=company.pk).update(owner=lin)
        Membership.objects.filter(user=lin).update(ended_at=timezone.now())
    return lin


def test_who_has_left_is_put_in_charge_of_nothing_more(
    page: Client, agency: Agency, lin_left: User, wus_company: Company
) -> None:
    address = reverse("companies:edit", args=[wus_company.pk])
    sent = {"name": wus_company.name, "uscc": wus_company.uscc, "owner": str(lin_left.pk)}
    assert list(page.post(address, sent).context["form"].errors) == ["owner"]
    many = page.post(CONFIRM, {"frozen": str(wus_company.pk), "owner": str(lin_left.pk)})
    assert list(many.context["form"].errors) == ["owner"]
    with scope(agency.pk):
        assert Company.objects.get(pk=wus_company.pk).owner is None


def test_what_they_had_is_found_by_their_name_and_stays_theirs_while_the_rest_is_changed(
    page: Client, agency: Agency, lin_left: User, company: Company, wus_company: Company
) -> None:
    assert names(page, owner=str(lin_left.pk)) == [company.name]
    sent = {"name": company.name, "uscc": company.uscc, "tags": "重点", "owner": str(lin_left.pk)}
    page.post(reverse("companies:edit", args=[company.pk]), sent)
    with scope(agency.pk):
        changed = Company.objects.get(pk=company.pk)
        assert (changed.owner, changed.tags) == (lin_left, ["重点"])


# --- Many at once -----------------------------------------------------------------------------


def test_an_edit_of_many_says_how_many_would_change_and_changes_nothing_yet(
    page: Client, agency: Agency, mei: User, company: Company, wus_company: Company
) -> None:
    with scope(agency.pk):
        Company.objects.filter(pk=company.pk).update(owner=mei)
    chosen = page.post(MANY, {"scope": "matching", "query": ""}).context
    sent = {"frozen": chosen["frozen"], "owner": str(mei.pk)}
    assert len(chosen["companies"]) == 2
    assert page.post(MANY, sent).context["changing"] == 1
    assert names(page, owner=str(mei.pk)) == [company.name]


def test_many_get_an_owner_and_tags_at_once_and_only_those_that_were_frozen(
    page: Client, agency: Agency, mei: User, company: Company, wus_company: Company
) -> None:
    with scope(agency.pk):
        Company.objects.filter(pk=company.pk).update(tags=["旧", "重点"])
    frozen = page.post(MANY, {"company": [company.pk, wus_company.pk]}).context["frozen"]
    make_company(agency, 30, "后来的公司", ready=False)
    sent = {"frozen": frozen, "owner": str(mei.pk), "add": "重点 本周", "remove": "旧"}
    assert page.post(CONFIRM, sent)["Location"] == LIST
    with scope(agency.pk):
        found = {one.name: (one.owner_id, one.tags) for one in Company.objects.all()}
    assert found == {
        company.name: (mei.pk, ["重点", "本周"]),
        wus_company.name: (mei.pk, ["重点", "本周"]),
        "后来的公司": (None, []),
    }
    assert newest(agency)[0] == "company_edited"
    page.post(CONFIRM, sent)
    with scope(agency.pk):
        assert AuditEntry.objects.filter(action="company_edited").count() == 2


def test_an_edit_that_says_nothing_is_asked_for_again(page: Client, company: Company) -> None:
    response = page.post(CONFIRM, {"frozen": str(company.pk)})
    assert response.context["form"].non_field_errors() == ["请选择负责同事或填写标签。"]


def test_another_agencys_company_is_not_changed_however_it_is_named(
    page: Client, mei: User, raos_company: Company
) -> None:
    page.post(CONFIRM, {"frozen": str(raos_company.pk), "add": "本周"})
    with scope(raos_company.agency_id):
        assert Company.objects.get().tags == []
