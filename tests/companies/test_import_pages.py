"""A workbook on its pages: sent, read by a worker, seen row by row, put right, written, given back."""

from __future__ import annotations

from datetime import timedelta
from io import BytesIO
from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from python_calamine import CalamineWorkbook

from agency.models import Agency, User
from agency.tenancy import scope
from companies import uploads
from companies.domain import imports
from companies.models import Company, Contact, Import, ImportRow
from companies.tasks import tend_imports
from tests.cast import uscc_for
from tests.companies.workbooks import HEADINGS, xlsx
from tests.database import OUR_AGENCY

SEND = reverse("companies:import")
WRONG_USCC = "91440100MAB53RXR8X"


@pytest.fixture
def page(client: Client, mei: User) -> Client:
    client.force_login(mei)
    return client


def send(page: Client, content: BytesIO, name: str = "客户.xlsx") -> UUID:
    """Send the file, and let a worker read it."""
    answer = page.post(SEND, {"workbook": SimpleUploadedFile(name, content.getvalue())})
    workbook = UUID(answer["Location"].split("/")[-2])
    imports.work(OUR_AGENCY, workbook)
    return workbook


def at(name: str, workbook: UUID) -> str:
    return reverse(f"companies:{name}", args=[workbook])


def confirm(page: Client, workbook: UUID) -> None:
    page.post(at("workbook_confirm", workbook))
    imports.work(OUR_AGENCY, workbook)


def names() -> list[str]:
    with scope(OUR_AGENCY):
        return list(Company.objects.order_by("uscc").values_list("name", flat=True))


def verdicts(page: Client, workbook: UUID, **query: str) -> list[str]:
    return [str(row["verdict"]) for row in page.get(at("workbook", workbook), query).context["rows"]]


def test_a_workbook_is_shown_row_by_row_before_anything_is_written(page: Client, company: Company) -> None:
    workbook = send(page, xlsx(HEADINGS, ("新公司", uscc_for(7)), ("另名", company.uscc), ("错", WRONG_USCC)))
    assert verdicts(page, workbook) == ["new", "changed", "wrong"]
    assert verdicts(page, workbook, verdict="wrong") == ["wrong"]
    assert names() == [company.name]


def test_the_right_rows_are_written_once_and_the_wrong_ones_are_left_out(
    page: Client, mei: User, company: Company
) -> None:
    workbook = send(page, xlsx(HEADINGS, ("新公司", uscc_for(7)), ("错", WRONG_USCC)))
    confirm(page, workbook)
    assert sorted(names()) == sorted([company.name, "新公司"])
    assert verdicts(page, workbook) == ["new", "wrong"]
    confirm(page, workbook)
    assert len(names()) == 2
    with (
        scope(OUR_AGENCY),
        pytest.raises(FileNotFoundError),
        uploads.kept(Import.objects.get().file, of=mei.pk),
    ):
        pass


def test_wrong_rows_come_back_with_their_reasons_and_are_taken_once_they_are_right(
    page: Client, agency: Agency
) -> None:
    workbook = send(
        page, xlsx((*HEADINGS, "开户行"), ("错", WRONG_USCC, "=1+1"), ("新公司", uscc_for(7), "中行"))
    )
    confirm(page, workbook)
    given_back = page.get(at("workbook_wrong", workbook)).content
    sheet = CalamineWorkbook.from_filelike(BytesIO(given_back)).get_sheet_by_index(0)
    rows = [[str(cell) for cell in row] for row in sheet.to_python()]
    assert rows == [
        ["原因", "企业名称", "统一社会信用代码", "开户行"],
        [f"{WRONG_USCC} 不是有效的统一社会信用代码，请核对这 18 位。", "错", WRONG_USCC, "=1+1"],
    ]
    rows[1][2] = uscc_for(8)
    workbook = send(page, xlsx(*rows))
    assert verdicts(page, workbook) == ["new"]


def test_unknown_columns_are_said_by_a_person_and_understood_the_next_time(
    page: Client, agency: Agency
) -> None:
    headings, row = ("客商", "识别码", "喂", "开户行"), ("新公司", uscc_for(7), "13800138000", "中行")
    workbook = send(page, xlsx(headings, row))
    asked = page.get(at("workbook", workbook), follow=True)
    assert asked.redirect_chain == [(at("workbook_columns", workbook), 302)]
    assert [field.label for field in asked.context["form"].rows()] == list(headings)
    page.post(at("workbook_columns", workbook), {"c0": "name", "c1": "uscc", "c2": "mobile"})
    imports.work(OUR_AGENCY, workbook)
    assert verdicts(page, workbook) == ["new"]
    again = send(page, xlsx(headings, ("二公司", uscc_for(8), "13800138000", "")))
    assert verdicts(page, again) == ["new"]
    confirm(page, again)
    with scope(OUR_AGENCY):
        assert Contact.objects.get().mobile == "13800138000"


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"c0": "name"}, "请指定哪一列是统一社会信用代码，否则无法识别企业。"),
        ({"c0": "name", "c1": "name"}, "企业名称：被多列选用。"),
    ],
)
def test_a_choice_of_columns_that_does_not_do_is_asked_for_again(
    page: Client, agency: Agency, sent: dict[str, str], said: str
) -> None:
    workbook = send(page, xlsx(("客商", "识别码"), ("新公司", uscc_for(7))))
    assert page.post(at("workbook_columns", workbook), sent).context["form"].non_field_errors() == [said]


def test_two_columns_of_one_meaning_are_a_persons_choice(page: Client, agency: Agency) -> None:
    row = ("新公司", uscc_for(7), "13800138000", "020-12345678")
    workbook = send(page, xlsx((*HEADINGS, "手机", "联系电话"), row))
    page.post(at("workbook_columns", workbook), {"c0": "name", "c1": "uscc", "c3": "mobile"})
    imports.work(OUR_AGENCY, workbook)
    confirm(page, workbook)
    with scope(OUR_AGENCY):
        assert Contact.objects.get().mobile == "02012345678"


def test_another_sheet_of_the_same_file_is_read_when_a_person_says_so(page: Client, agency: Agency) -> None:
    from xlsxwriter import Workbook

    file = BytesIO()
    with Workbook(file) as book:
        for name, company in (("2026", "今年公司"), ("2025", "去年公司")):
            sheet = book.add_worksheet(name)
            sheet.write_row(0, 0, HEADINGS)
            sheet.write_row(1, 0, (company, uscc_for(7)))
    workbook = send(page, file)
    page.post(at("workbook_sheet", workbook), {"sheet": "2025"})
    imports.work(OUR_AGENCY, workbook)
    confirm(page, workbook)
    assert names() == ["去年公司"]


def test_hidden_rows_are_told_and_left_out_when_a_person_says_so(page: Client, agency: Agency) -> None:
    from xlsxwriter import Workbook

    file = BytesIO()
    with Workbook(file) as book:
        sheet = book.add_worksheet("客户")
        for line, row in enumerate((HEADINGS, ("显示", uscc_for(7)), ("隐藏", uscc_for(8)))):
            sheet.write_row(line, 0, row)
        sheet.set_row(2, None, None, {"hidden": True})
    workbook = send(page, file)
    shown = page.get(at("workbook", workbook)).context
    assert [row["row"].is_hidden for row in shown["rows"]] == [False, True]
    page.post(at("workbook_columns", workbook), {"c0": "name", "c1": "uscc", "skips_hidden": "on"})
    imports.work(OUR_AGENCY, workbook)
    confirm(page, workbook)
    assert names() == ["显示"]


@pytest.mark.parametrize(
    ("name", "content", "refusal"),
    [
        ("信.docx", b"not a table", "这个文件不是工作簿。请另存为 .xlsx、.xls 或 .csv 后重新上传。"),
        ("空.xlsx", b"", "工作簿里没有数据行。请在列名下面一行写一家企业。"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_in_words(
    page: Client, agency: Agency, name: str, content: bytes, refusal: str
) -> None:
    workbook = send(page, BytesIO(content), name)
    assert str(page.get(at("workbook", workbook)).context["refusal"]) == refusal


def test_the_page_says_how_far_it_is_and_goes_on_by_itself(page: Client, agency: Agency) -> None:
    file = SimpleUploadedFile("客户.xlsx", xlsx(HEADINGS, ("新公司", uscc_for(7))).getvalue())
    workbook = UUID(page.post(SEND, {"workbook": file})["Location"].split("/")[-2])
    assert page.get(at("workbook", workbook)).context["is_moving"] is True
    assert page.get(at("workbook_progress", workbook)).text.count("<progress") == 1
    imports.work(OUR_AGENCY, workbook)
    assert page.get(at("workbook_progress", workbook))["HX-Refresh"] == "true"


def test_an_import_whose_worker_is_gone_is_gone_on_with_by_the_clock(page: Client, agency: Agency) -> None:
    workbook = send(page, xlsx(HEADINGS, *((f"第{n}家", uscc_for(n)) for n in range(7, 10))))
    page.post(at("workbook_confirm", workbook))
    with scope(OUR_AGENCY):
        # A worker had written the first row, and died.
        Import.objects.update(held_until=timezone.now() + timedelta(seconds=30), epoch=9)
        ImportRow.objects.filter(number=2).update(outcome="new")
    assert tend_imports() == 0
    with scope(OUR_AGENCY):
        Import.objects.update(held_until=timezone.now() - timedelta(seconds=1))
    assert tend_imports() == 1
    assert names() == ["第8家", "第9家"]
    with scope(OUR_AGENCY):
        assert (Import.objects.get().state, Import.objects.get().done) == ("done", 2)


def test_a_worker_that_was_given_up_writes_nothing_more(page: Client, agency: Agency) -> None:
    workbook = send(page, xlsx(HEADINGS, ("新公司", uscc_for(7))))
    page.post(at("workbook_confirm", workbook))
    with scope(OUR_AGENCY):
        late = Import.objects.select_related("made_by").get()
        Import.objects.update(epoch=late.epoch + 1)
    with pytest.raises(imports.GivenUp):
        imports._write(late)
    assert names() == []


def test_old_imports_are_forgotten_with_the_people_in_them(page: Client, agency: Agency) -> None:
    send(page, xlsx(HEADINGS, ("新公司", uscc_for(7))))
    with scope(OUR_AGENCY):
        Import.objects.update(made_at=timezone.now() - timedelta(hours=25))
    tend_imports()
    with scope(OUR_AGENCY):
        assert (Import.objects.count(), ImportRow.objects.count()) == (0, 0)


def test_another_agency_sees_nothing_of_our_workbook(page: Client, rao: User, agency: Agency) -> None:
    workbook = send(page, xlsx(HEADINGS, ("新公司", uscc_for(7))))
    page.force_login(rao)
    assert [page.get(at(name, workbook)).status_code for name in ("workbook", "workbook_wrong")] == [404, 404]
    assert page.post(at("workbook_confirm", workbook)).status_code == 404


def test_what_nobody_foresaw_in_a_file_is_refused_in_words_and_keeps_nobody_waiting(
    page: Client, agency: Agency
) -> None:
    workbook = send(page, xlsx(HEADINGS, ("新公司", uscc_for(7))))
    with scope(OUR_AGENCY):
        Import.objects.update(state="reading", chosen={"nobody": 1})  # what no version of ours wrote
    assert tend_imports() == 1
    refusal = page.get(at("workbook", workbook)).context["refusal"]
    assert str(refusal) == "文件中有系统无法处理的内容。请用 Excel 另存为 .xlsx，再重新上传。"


def test_an_import_that_fails_keeps_no_other_from_going_on(page: Client, agency: Agency) -> None:
    rows = ((f"第{n}家", uscc_for(n)) for n in (7, 8))
    broken, other = (send(page, xlsx(HEADINGS, row)) for row in rows)
    for workbook in (broken, other):
        page.post(at("workbook_confirm", workbook))
    with scope(OUR_AGENCY):
        ImportRow.objects.filter(workbook=broken).update(entry={})  # what no version of ours wrote
    tend_imports()
    assert names() == ["第8家"]


def test_the_file_of_an_old_import_is_forgotten_with_it(page: Client, agency: Agency) -> None:
    send(page, xlsx(HEADINGS, ("新公司", uscc_for(7))))
    with scope(OUR_AGENCY):
        Import.objects.update(made_at=timezone.now() - timedelta(hours=25))
        old = Import.objects.get()
    tend_imports()
    with scope(OUR_AGENCY), pytest.raises(FileNotFoundError), uploads.kept(old.file, of=old.made_by_id):
        pass


# --- An import always ends --------------------------------------------------------------------


def test_a_row_that_cannot_be_written_comes_back_and_takes_no_others_along(
    page: Client, agency: Agency
) -> None:
    workbook = send(page, xlsx(HEADINGS, *((f"第{n}家", uscc_for(n)) for n in range(7, 10))))
    page.post(at("workbook_confirm", workbook))
    with scope(OUR_AGENCY):
        row = ImportRow.objects.get(number=3)
        # What no version of ours read: longer than the column that it is for.
        ImportRow.objects.filter(pk=row.pk).update(
            entry=row.entry | {"values": row.entry["values"] | {"region": "粤" * 500}}
        )
    imports.work(OUR_AGENCY, workbook)
    assert names() == ["第7家", "第9家"]
    with scope(OUR_AGENCY):
        found = Import.objects.get()
        _headings, given_back = imports.wrong_rows(found)
        [wrong] = given_back
    assert (found.state, wrong[:3]) == (
        "done",
        ["这一行无法写入。请重新输入各单元格，再导入一次。", "第8家", uscc_for(8)],
    )


@pytest.mark.parametrize("state", ["reading", "writing"])
def test_an_import_that_ends_each_worker_is_given_up(page: Client, agency: Agency, state: str) -> None:
    workbook = send(page, xlsx(HEADINGS, ("第7家", uscc_for(7)), ("第8家", uscc_for(8))))
    with scope(OUR_AGENCY):
        Import.objects.update(state=state, tries=imports.TRIES_AT_MOST)
        ImportRow.objects.filter(number=2).update(outcome="new")
    tend_imports()
    shown = page.get(at("workbook", workbook)).context
    with scope(OUR_AGENCY):
        found = Import.objects.get()
        assert found.state == ("refused" if state == "reading" else "done")
        assert [row.outcome for row in found.rows.all()] == (["new", "" if state == "reading" else "wrong"])
    assert (shown["refusal"] is None) == (state == "writing")
