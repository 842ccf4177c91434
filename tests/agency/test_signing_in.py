"""Signing in: second factors, codes, limits, the length of a sign-in, and what asks for a fresh one."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.usersessions.models import UserSession
from django.conf import settings as project
from django.contrib.auth import hashers
from django.test import Client
from django.urls import reverse
from pytest_django.fixtures import Settings

from agency import freshness, guarding, signing_in
from agency.models import Agency, AuditEntry, Invitation, Membership, Role, User
from agency.tenancy import scope
from companies.domain.cards import vault_pin
from companies.models import Card, Company
from tests.agency.conftest import Mails
from tests.database import OUR_AGENCY

BrowserOf = Callable[[User], Client]
PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXP"
BOARD = "/board/"


@pytest.fixture(autouse=True)
def cheap_passwords(settings: Settings) -> None:
    """Argon2 takes a tenth of a second each time; what is counted here is tries."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def meis_password(mei: User) -> User:
    mei.set_password(PASSWORD)
    mei.save()
    return mei


def sign_in(client: Client, email: str, password: str = PASSWORD, **extra: str) -> int:
    return client.post(reverse("account_login"), {"login": email, "password": password}, **extra).status_code  # type: ignore[arg-type]


def code_now() -> str:
    return str(totp.format_hotp_value(totp.hotp_value(SECRET, next(totp.yield_hotp_counters_from_time()))))


# --- The second factor ------------------------------------------------------------------------


def test_staff_get_one_sign_in_without_a_second_factor(meis_password: User) -> None:
    first, second = Client(), Client()
    sign_in(first, meis_password.email)
    assert first.get(BOARD).status_code == 200
    sign_in(second, meis_password.email)
    assert second.get(BOARD)["Location"] == reverse("mfa_index")
    assert second.get(reverse("mfa_index")).status_code == 200


def test_adding_the_app_opens_the_pages_again(meis_password: User, mails: Mails) -> None:
    client = Client()
    User.objects.filter(pk=meis_password.pk).update(grace_used_at="2026-01-01T00:00:00Z")
    sign_in(client, meis_password.email)
    secret = client.get(reverse("mfa_activate_totp")).context["form"].secret
    value = totp.hotp_value(secret, next(totp.yield_hotp_counters_from_time()))
    with mails() as sent:
        response = client.post(reverse("mfa_activate_totp"), {"code": totp.format_hotp_value(value)})
    assert [mail.to for mail in sent] == [[meis_password.email]] * len(sent) != []
    assert response["Location"] == reverse("mfa_view_recovery_codes")
    assert client.get(BOARD).status_code == 200
    with scope(OUR_AGENCY):
        told = AuditEntry.objects.filter(action="factor_added").order_by("number")
        assert [entry.detail["kind"] for entry in told] == ["totp", "recovery_codes"]


def test_a_password_alone_does_not_pass_where_there_is_a_second_factor(meis_password: User) -> None:
    totp.TOTP.activate(meis_password, SECRET)
    client = Client()
    response = client.post(reverse("account_login"), {"login": meis_password.email, "password": PASSWORD})
    assert response["Location"].startswith(reverse("mfa_authenticate"))
    assert client.get(BOARD)["Location"].startswith(reverse("account_login"))
    client.post(reverse("mfa_authenticate"), {"code": code_now()})
    assert client.get(BOARD).status_code == 200


def test_a_code_of_the_app_works_once(meis_password: User) -> None:
    totp.TOTP.activate(meis_password, SECRET)
    first, second, code = Client(), Client(), code_now()
    for client in (first, second):
        sign_in(client, meis_password.email)
        client.post(reverse("mfa_authenticate"), {"code": code})
    assert [client.get(BOARD).status_code for client in (first, second)] == [200, 302]


def test_a_recovery_code_works_once(meis_password: User) -> None:
    totp.TOTP.activate(meis_password, SECRET)
    codes = RecoveryCodes.activate(meis_password).generate_codes()
    first, second = Client(), Client()
    for client in (first, second):
        sign_in(client, meis_password.email)
        client.post(reverse("mfa_authenticate"), {"code": codes[0]})
    assert [client.get(BOARD).status_code for client in (first, second)] == [200, 302]


def test_a_passkey_that_is_not_known_here_is_refused_in_words_of_its_own(db: None) -> None:
    response = Client().post(reverse("mfa_login_webauthn"), {"credential": '"of another site"'}, follow=True)
    told = [str(message) for message in response.context["messages"]]
    assert told == ["这个通行密钥在这里不能用。请换一个通行密钥，或换一种登录方式。"]


@pytest.mark.parametrize(
    "credential", ['"of another site"', '{"id": "AA", "rawId": "AA", "type": "public-key"}']
)
def test_a_refused_passkey_is_told_in_the_trail(meis_password: User, agency: Agency, credential: str) -> None:
    Authenticator.objects.create(user=meis_password, type="webauthn", data={"name": "", "credential": {}})
    client = Client()
    client.force_login(meis_password)
    client.post(reverse("mfa_reauthenticate_webauthn"), {"credential": credential})
    assert Client().post(reverse("mfa_login_webauthn"), {"credential": credential}).status_code == 302
    with scope(agency.pk):
        refused = AuditEntry.objects.filter(action="sign_in_failed", object_id=str(meis_password.pk))
        assert [entry.detail["how"] for entry in refused] == ["webauthn"]


def test_the_last_factor_of_staff_cannot_be_switched_off(meis_password: User, chen: User) -> None:
    for person, expected in ((meis_password, 1), (chen, 0)):
        totp.TOTP.activate(person, SECRET)
        client = Client()
        client.force_login(person)
        client.post(reverse("mfa_deactivate_totp"))
        assert Authenticator.objects.filter(user=person, type="totp").count() == expected


def test_a_client_needs_no_second_factor(chen: User) -> None:
    chen.set_password(PASSWORD)
    chen.save()
    for _ in range(2):
        client = Client()
        sign_in(client, chen.email)
        assert client.get(reverse("renewals:mine")).status_code == 200


# --- Guessing ---------------------------------------------------------------------------------


def codes_in(mails: list[object]) -> list[str]:
    return [found[1] for mail in mails if (found := re.search(r"^ {4}(\S+)$", str(mail.body), re.MULTILINE))]  # type: ignore[attr-defined]


@pytest.mark.parametrize("spread", [False, True], ids=["from one address", "from a hundred"])
def test_a_hundred_guesses_find_ten_open_and_the_right_person_gets_in(
    meis_password: User, mails: Mails, spread: bool
) -> None:
    known = Client()
    sign_in(known, meis_password.email)
    known.post(reverse("account_logout"))
    answers = [
        sign_in(Client(), meis_password.email, f"guess {n}", REMOTE_ADDR=f"198.51.100.{n if spread else 1}")
        for n in range(100)
    ]
    assert (answers.count(200), answers.count(429)) == (10, 90)
    # Even the right password is refused to a browser that nobody knows.
    assert sign_in(Client(), meis_password.email, REMOTE_ADDR="192.0.2.1") == 429
    # The person's own browser gets in with it, and any other browser with a code.
    assert sign_in(known, meis_password.email, REMOTE_ADDR="192.0.2.2") == 302
    stranger = Client(REMOTE_ADDR="192.0.2.3")
    with mails() as sent:
        stranger.post(reverse("account_request_login_code"), {"email": meis_password.email})
    [code] = codes_in(list(sent))
    stranger.post(reverse("account_confirm_login_code"), {"code": code})
    assert "_auth_user_id" in stranger.session


def test_a_flood_of_codes_does_not_keep_the_owner_out(chen: User, mails: Mails) -> None:
    with mails() as flood:
        for n in range(100):
            Client(REMOTE_ADDR=f"198.51.100.{n % 10}").post(
                reverse("account_request_login_code"), {"email": chen.email}
            )
    assert len(flood) <= guarding.CODES["account"].amount + 10
    owner = Client(REMOTE_ADDR="192.0.2.3")
    with mails() as sent:
        owner.post(reverse("account_request_login_code"), {"email": chen.email})
    owner.post(reverse("account_confirm_login_code"), {"code": codes_in(list(sent))[0]})
    assert "_auth_user_id" in owner.session


def test_a_code_stands_five_tries(chen: User, mails: Mails) -> None:
    client = Client()
    with mails() as sent:
        client.post(reverse("account_request_login_code"), {"email": chen.email})
    for _ in range(5):
        client.post(reverse("account_confirm_login_code"), {"code": "WRONG1"})
    client.post(reverse("account_confirm_login_code"), {"code": codes_in(list(sent))[0]})
    assert "_auth_user_id" not in client.session


def test_a_code_is_dead_after_ten_minutes(chen: User, mails: Mails, monkeypatch: pytest.MonkeyPatch) -> None:
    client = Client()
    with mails() as sent:
        client.post(reverse("account_request_login_code"), {"email": chen.email})
    later = time.time() + 601
    monkeypatch.setattr(time, "time", lambda: later)
    client.post(reverse("account_confirm_login_code"), {"code": codes_in(list(sent))[0]})
    assert "_auth_user_id" not in client.session


def test_a_right_password_does_not_count(meis_password: User) -> None:
    for _ in range(15):
        assert sign_in(Client(), meis_password.email) == 302


def test_a_device_cookie_of_another_account_is_worth_nothing(meis_password: User, lin: User) -> None:
    client = Client()
    sign_in(client, meis_password.email)
    request = type("R", (), {"COOKIES": {k: m.value for k, m in client.cookies.items()}})()
    assert guarding.device_of(request, meis_password.email) is not None
    assert guarding.device_of(request, lin.email) is None


def test_an_unknown_address_costs_the_same_work_and_reads_the_same(
    meis_password: User, monkeypatch: pytest.MonkeyPatch, django_assert_num_queries: object
) -> None:
    """Time is not measured: the expensive step is counted, and so are the queries."""
    hashed: list[str] = []
    encode = hashers.MD5PasswordHasher.encode

    def count(self: object, password: str, salt: str) -> str:
        hashed.append(password)
        return encode(self, password, salt)  # type: ignore[arg-type]

    monkeypatch.setattr(hashers.MD5PasswordHasher, "encode", count)
    seen = []
    for email in (meis_password.email, "nobody@elsewhere.example"):
        hashed.clear()
        response = Client().post(reverse("account_login"), {"login": email, "password": "a guess"})
        text = re.sub(r'value="[^"]*"|nonce="[^"]*"', "", response.text)
        seen.append((response.status_code, text, len(hashed)))
    assert seen[0] == seen[1]


def test_a_failed_sign_in_is_told_in_the_agencys_trail(meis_password: User) -> None:
    sign_in(Client(), meis_password.email, "a guess", REMOTE_ADDR="198.51.100.9")
    with scope(OUR_AGENCY):
        entry = AuditEntry.objects.get(action="sign_in_failed")
    assert (entry.object_id, entry.address) == (str(meis_password.pk), "198.51.100.9")


def test_a_wrong_code_is_told_too_whether_an_app_or_a_mail_brought_it(
    meis_password: User, chen: User
) -> None:
    totp.TOTP.activate(meis_password, SECRET)
    client = Client()
    sign_in(client, meis_password.email)
    client.post(reverse("mfa_authenticate"), {"code": "000000"})
    for email in (chen.email, "nobody@example.com"):
        client = Client()
        client.post(reverse("account_request_login_code"), {"email": email})
        client.post(reverse("account_confirm_login_code"), {"code": "WRONG1"})
    with scope(OUR_AGENCY):
        told = AuditEntry.objects.filter(action="sign_in_failed").order_by("number")
        assert [(entry.object_id, entry.detail["how"]) for entry in told] == [
            (str(meis_password.pk), "totp"),
            (str(chen.pk), "code"),
        ]


# --- How long it lasts ------------------------------------------------------------------------


def age(client: Client, **seconds: int) -> None:
    """Let time have passed since these moments of the session."""
    session = client.session
    for key, passed in seconds.items():
        session[key] = int(time.time()) - passed
    session.save()


def test_nobody_moved_for_half_an_hour(mei: User, browser_of: BrowserOf) -> None:
    client = browser_of(mei)
    age(client, seen_at=29 * 60)
    assert client.get(BOARD).status_code == 200
    age(client, seen_at=30 * 60)
    assert client.get(BOARD)["Location"] == f"{reverse('account_login')}?next=%2Fboard%2F"


def test_the_agency_says_how_long(mei: User, lin: User, browser_of: BrowserOf) -> None:
    browser_of(lin).post(reverse("people:idle"), {"idle_minutes": "60"})
    client = browser_of(mei)
    age(client, seen_at=59 * 60)
    assert client.get(BOARD).status_code == 200


def test_a_page_that_asks_by_itself_keeps_nobody_signed_in(mei: User, browser_of: BrowserOf) -> None:
    client = browser_of(mei)
    age(client, seen_at=20 * 60)
    before = client.session[signing_in.SEEN_AT]
    client.get(reverse("renewals:changes"))
    assert client.session[signing_in.SEEN_AT] == before
    client.get(BOARD)
    assert client.session[signing_in.SEEN_AT] > before


def test_every_page_that_asks_by_itself_is_known() -> None:
    """Red when a template begins to poll an address that would keep people signed in for ever."""
    polled = set()
    for template in (project.BASE_DIR / "templates").rglob("*.html"):
        for tag in re.findall(r"<[^>]*hx-trigger=\"[^\"]*every[^>]*>", template.read_text(), re.DOTALL):
            polled |= set(re.findall(r"{% url '([a-z_:]+)'", tag))
    assert polled - project.POLLED_PAGES == set()


def test_twelve_hours_are_the_end(mei: User, browser_of: BrowserOf) -> None:
    client = browser_of(mei)
    age(client, signed_in_at=12 * 3600 - 5)
    assert client.get(BOARD).status_code == 200
    age(client, signed_in_at=12 * 3600)
    assert client.get(BOARD).status_code == 302


def test_a_person_sees_his_sign_ins_and_ends_the_others(meis_password: User) -> None:
    one, other = Client(), Client()
    for client in (one, other):
        sign_in(client, meis_password.email)
        age(client, signed_in_at=0)
    User.objects.filter(pk=meis_password.pk).update(grace_used_at=None)
    assert len(one.get(reverse("usersessions_list")).context["sessions"]) == 2
    one.post(reverse("usersessions_list"))
    with scope(OUR_AGENCY):
        assert AuditEntry.objects.latest("number").action == "own_sessions_ended"
    assert UserSession.objects.filter(user=meis_password).count() == 1
    assert other.get(BOARD)["Location"].startswith(reverse("account_login"))


# --- A fresh sign-in --------------------------------------------------------------------------


def test_a_pin_is_stored_only_after_a_fresh_sign_in(meis_password: User, card: Card) -> None:
    client = Client()
    client.force_login(meis_password)
    age(client, **{freshness.PROVED_AT: 16 * 60})
    page = reverse("companies:company", args=[card.company_id])
    form = {"pin": "31415926", "allowed": "on"}
    address = reverse("companies:store_pin", args=[card.pk])
    response = client.post(address, form, headers={"Referer": f"http://testserver{page}"})
    again = response["Location"]
    assert again == f"{reverse('account_reauthenticate')}?next={page.replace('/', '%2F')}"
    assert "31415926" not in str(dict(client.session))
    assert client.post(again, {"password": PASSWORD})["Location"] == page
    client.post(address, form)
    with scope(OUR_AGENCY):
        assert vault_pin(Card.objects.get(pk=card.pk)) == "31415926"


@pytest.mark.parametrize("page", ["trail_export", "renewals:report_download", "readiness:export"])
def test_an_export_needs_a_fresh_sign_in(lin: User, browser_of: BrowserOf, page: str) -> None:
    client = browser_of(lin)
    assert client.get(reverse(page, args=["csv"])).status_code == 200
    age(client, **{freshness.PROVED_AT: 16 * 60})
    response = client.get(reverse(page, args=["csv"]))
    # Without password and second factor, he signs in with a code again.
    assert response["Location"].startswith(reverse("account_request_login_code"))


def test_who_gives_a_role_away_signs_in_afresh_first(
    lin: User, mei: User, company: Company, mails: Mails
) -> None:
    lin.set_password(PASSWORD)
    lin.save()
    client = Client()
    client.force_login(lin)
    age(client, **{freshness.PROVED_AT: 16 * 60})
    with scope(OUR_AGENCY):
        change = reverse("people:change", args=[Membership.objects.get(user=mei).pk])
    invited = {"name": "周琳", "email": "zhou@lingnan.example"}
    for address, form in (
        (change, {"act": "role", "role": "admin"}),
        (reverse("people:invite"), invited | {"role": "admin"}),
        (reverse("people:invite"), invited | {"role": "staff"}),
    ):
        assert client.post(address, form)["Location"].startswith(reverse("account_reauthenticate"))
    with scope(OUR_AGENCY):
        assert Membership.objects.get(user=mei).role == Role.STAFF
        assert not Invitation.objects.exists()
    with mails() as sent:
        client.post(reverse("people:invite"), invited | {"role": "client", "company": company.uscc})
    assert len(sent) == 1
    client.post(reverse("account_reauthenticate"), {"password": PASSWORD})
    client.post(change, {"act": "role", "role": "admin"})
    with scope(OUR_AGENCY):
        assert Membership.objects.get(user=mei).role == Role.ADMIN


# --- The demo ---------------------------------------------------------------------------------


def test_in_the_demo_nobody_is_held_up_and_mail_has_a_page(
    meis_password: User, settings: Settings, tmp_path: Path, chen: User
) -> None:
    settings.DEMO = True
    settings.MAILERS = {"default": {"BACKEND": "x", "OPTIONS": {"file_path": tmp_path}}}
    dashes = "-" * 79
    (tmp_path / "1.log").write_text(
        "Subject: Hello\nTo: a@b.example\nDate: Tue, 24 Nov 2026 08:00:00 -0000\n"
        'Content-Type: text/plain; charset="utf-8"\n\nOpen http://testserver/invitation/x/ now\n'
        + dashes
        + "\n"
    )
    for _ in range(3):
        client = Client()
        sign_in(client, meis_password.email)
        assert client.get(BOARD).status_code == 200
    [mail] = Client().get(reverse("mailbox")).context["mails"]
    assert [text for is_link, text in mail.pieces if is_link] == ["http://testserver/invitation/x/"]


def test_a_membership_is_read_anew_at_each_request(mei: User, browser_of: BrowserOf) -> None:
    client = browser_of(mei)
    with scope(OUR_AGENCY):
        Membership.objects.filter(user=mei).update(ended_at="2026-01-01T00:00:00Z")
    assert client.get(BOARD).status_code == 404
