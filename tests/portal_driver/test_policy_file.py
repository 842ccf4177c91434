"""A policy file is stored only when it is whole and this company's."""

from __future__ import annotations

from datetime import date

import pytest

from portal_driver.contract import Company as PlanCompany
from portal_driver.contract import Reason
from portal_driver.errors import DriverError
from portal_driver.policy_file import check_policy_file
from portal_driver.simulator.companies import Company
from portal_driver.simulator.policy_pdf import policy_file
from portal_driver.simulator.world import Policy

NUMBER = "XB20264401000001"


@pytest.fixture
def content(hongda: Company) -> bytes:
    return policy_file(Policy(NUMBER, 2026, date(2026, 11, 23), date(2027, 11, 22)), hongda)


def reason(
    content: bytes, company: Company, *, number: str = NUMBER, name: str = "", uscc: str = ""
) -> Reason:
    plan = PlanCompany(name or company.name, uscc or company.uscc)
    with pytest.raises(DriverError) as refused:
        check_policy_file(content, company=plan, number=number)
    return refused.value.reason


def test_the_right_policy_passes(content: bytes, hongda: Company):
    check_policy_file(content, company=PlanCompany(hongda.name, hongda.uscc), number=NUMBER)


def test_a_file_that_is_cut_off_is_broken(content: bytes, hongda: Company):
    assert reason(content[: len(content) // 2], hongda) is Reason.POLICY_FILE_BROKEN


def test_an_error_page_is_no_policy(hongda: Company):
    assert reason("<html>文件服务异常</html>".encode(), hongda) is Reason.POLICY_FILE_BROKEN


def test_a_file_that_only_looks_like_a_pdf_is_broken(hongda: Company):
    assert reason(b"%PDF-1.7\nnothing inside\n%%EOF", hongda) is Reason.POLICY_FILE_BROKEN


@pytest.mark.parametrize(
    "other",
    [
        {"name": "清远市远航电子有限公司"},
        {"uscc": "91441800MAHX346ABE"},
        {"number": "XB20264401000002"},
    ],
)
def test_another_companys_policy_is_refused(content: bytes, hongda: Company, other: dict[str, str]):
    assert reason(content, hongda, **other) is Reason.POLICY_OF_ANOTHER
