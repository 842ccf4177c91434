"""Who is in charge, by a column of the workbook: a colleague of this agency, or nobody and a remark."""

from __future__ import annotations

import pytest
from django.test import Client
from django.utils import timezone, translation
from pytest_django import DjangoAssertNumQueries

from agency.models import Agency, AuditEntry, Membership, Role, User
from agency.tenancy import scope
from companies.domain.columns import find_columns
from companies.domain.importing import Imported, Sheet, Verdict, import_companies, preview
from companies.models import Company, Contact
from tests.cast import make_person, uscc_for
from tests.companies.test_import_pages import at, confirm, send, verdicts
from tests.companies.workbooks import HEADINGS, Written, xlsx

HEADED = (*HEADINGS, "负责同事")
NEW = ("佛山市明珠灯饰有限公司", uscc_for(9))


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def remarks(*rows: tuple[Written, ...]) -> list[list[str]]:
    """What a reader of English is told of each row."""
    with translation.override("en"):
        return [[str(one) for one in row.remarks] for row in preview(xlsx(HEADED, *rows), "名单.xlsx").rows]


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize(
    "written", ["Lin", "  ＬＩＮ ", "l i n", "lin@lingnan.example", "Lin@Lingnan.Example"]
)
def test_a_colleague_is_known_by_name_or_address(written: str, mei: User, lin: User) -> None:
    sheet = preview(xlsx(HEADED, (*NEW, written)), "名单.xlsx")
    assert [row.remarks for row in sheet.rows] == [()]
    import_companies(sheet, by=mei)
    assert Company.objects.get().owner == lin


@pytest.mark.usefixtures("in_agency")
def test_the_preview_and_the_trail_say_who_was_in_charge_before_and_after(
    company: Company, mei: User, lin: User
) -> None:
    Company.objects.update(owner=mei)
    sheet = preview(xlsx(HEADED, (company.name, company.uscc, "Lin")), "名单.xlsx")
    assert [(one.column.heading, one.before, one.after) for one in sheet.rows[0].changes] == [
        ("负责同事", "Mei", "Lin")
    ]
    assert import_companies(sheet, by=mei) == Imported(new=0, changed=1, unchanged=0)
    assert import_companies(sheet, by=mei) == Imported(new=0, changed=0, unchanged=1)
    assert AuditEntry.objects.get(action="company_changed").detail == {"changes": {"owner": ["Mei", "Lin"]}}


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("written", ["", None, "王小明", "8" * 30, 914401000053123456.0])
def test_what_names_nobody_leaves_who_is_in_charge_and_keeps_no_row_out(
    company: Company, mei: User, lin: User, written: Written
) -> None:
    Company.objects.update(owner=lin)
    sheet = preview(xlsx(HEADED, ("改名公司", company.uscc, written)), "名单.xlsx")
    assert [row.verdict for row in sheet.rows] == [Verdict.CHANGED]
    import_companies(sheet, by=mei)
    changed = Company.objects.get()
    assert (changed.name, changed.owner) == ("改名公司", lin)


@pytest.mark.usefixtures("in_agency")
def test_the_remark_says_whom_nobody_knows(mei: User) -> None:
    assert remarks((*NEW, "王小明"), ("二", uscc_for(8), ""), ("三", uscc_for(7), "王小明" * 20)) == [
        ["王小明 is nobody's name or e-mail address here. This row changes nothing about who is in charge."],
        [],
        [
            f"{('王小明' * 20)[:20]}… is nobody's name or e-mail address here. "
            "This row changes nothing about who is in charge."
        ],
    ]


@pytest.mark.usefixtures("in_agency")
def test_of_two_colleagues_with_one_name_the_address_says_which(mei: User, agency: Agency) -> None:
    other = make_person("mei2@lingnan.example", "Mei", agency, Role.STAFF)
    assert remarks((*NEW, "Mei")) == [
        [
            "Several colleagues are called Mei: write the e-mail address instead. "
            "This row changes nothing about who is in charge."
        ]
    ]
    import_companies(preview(xlsx(HEADED, (*NEW, "mei2@lingnan.example")), "名单.xlsx"), by=mei)
    assert Company.objects.get().owner == other


def test_clients_people_who_left_and_another_agencys_people_are_no_colleagues(
    agency: Agency, mei: User, lin: User, chen: User, rao: User
) -> None:
    names = ("Chen", "Rao", "Lin", "Mei")
    with scope(agency.pk):
        Membership.objects.filter(user=lin).update(ended_at=timezone.now())
        told = remarks(*(("某公司", uscc_for(5 + n), name) for n, name in enumerate(names)))
    assert [len(row) for row in told] == [1, 1, 1, 0]


@pytest.mark.parametrize(
    ("headings", "columns"),
    [
        (("业务员",), {"owner": 2}),
        (("我方 负责人",), {"owner": 2}),
        (("联系人", "经办人"), {"contact": 2, "owner": 3}),
        (("负责人", "联系人"), {"owner": 2, "contact": 3}),
        (("经办人", "手机"), {"contact": 2, "mobile": 3}),
        (("经办人", "负责同事"), {"contact": 2, "owner": 3}),
        (("负责人", "手机"), {"mobile": 3}),
    ],
)
def test_a_heading_that_may_mean_the_companys_people_is_ours_only_beside_theirs(
    headings: tuple[str, ...], columns: dict[str, int]
) -> None:
    found = find_columns((*HEADINGS, *headings))
    assert (found.columns, found.twice) == ({"name": 0, "uscc": 1} | columns, ())


def test_two_columns_of_colleagues_are_a_persons_choice() -> None:
    assert find_columns((*HEADINGS, "联系人", "经办人", "业务员")).twice == (("经办人", "业务员"),)


@pytest.mark.usefixtures("in_agency")
@pytest.mark.parametrize("count", [1, 300])
def test_any_number_of_rows_takes_the_same_queries(
    count: int, mei: User, lin: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    def read(owners: tuple[str, str]) -> Sheet:
        rows = ((f"第 {n} 家", uscc_for(n), owners[n % 2]) for n in range(count))
        return preview(xlsx(HEADED, *rows), "名单.xlsx")

    import_companies(read(("Lin", "Mei")), by=mei)
    with django_assert_num_queries(4):  # companies with who is in charge, contacts, cards, colleagues
        sheet = read(("Mei", "Lin"))
    # The agency's lock, old plans forgotten, the four, one statement that writes, an entry for each
    # company, and one for the import.
    with django_assert_num_queries(9):
        assert import_companies(sheet, by=mei) == Imported(0, count, 0)


# --- On the page ------------------------------------------------------------------------------


def test_the_page_tells_of_the_rows_and_the_number_opens_them(page: Client, lin: User) -> None:
    workbook = send(page, xlsx(HEADED, (*NEW, "王小明"), ("二公司", uscc_for(8), "Lin")))
    assert verdicts(page, workbook) == ["new", "new"]
    shown = page.get(at("workbook", workbook), {"verdict": "remarked"})
    assert (shown.context["remarked"], [row["row"].number for row in shown.context["rows"]]) == (1, [2])
    assert "没有姓名或邮箱为“王小明”的同事，这一行不更改负责同事。" in shown.content.decode()


def test_a_colleague_who_came_after_the_preview_is_put_in_charge_and_the_remark_goes(
    page: Client, agency: Agency
) -> None:
    workbook = send(page, xlsx(HEADED, (*NEW, "王小明")))
    ming = make_person("ming@lingnan.example", "王小明", agency, Role.STAFF)
    confirm(page, workbook)
    assert page.get(at("workbook", workbook)).context["remarked"] == 0
    with scope(agency.pk):
        assert Company.objects.get().owner == ming


def test_the_contact_stays_the_contact(page: Client, lin: User, agency: Agency) -> None:
    confirm(page, send(page, xlsx((*HEADINGS, "联系人", "经办人"), (*NEW, "王志强", "Lin"))))
    with scope(agency.pk):
        assert (Contact.objects.get().name, Company.objects.get().owner) == ("王志强", lin)
