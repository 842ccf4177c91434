"""Who is in the agency: invited, changed, ended; in force at the next click, and never against the rules."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from smtplib import SMTPRecipientsRefused

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal.auth import TOTP
from django.core import mail
from django.core.mail import EmailMessage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from agency import inviting, outbox, roster
from agency.models import AuditEntry, Invitation, Membership, Role, User
from agency.people import membership_of
from agency.tasks import tend_invitations
from agency.tenancy import scope
from companies.models import Company
from renewals.models import Renewal
from tests.agency.conftest import Mails
from tests.cast import make_person
from tests.database import OUR_AGENCY

BrowserOf = Callable[[User], Client]
PASSWORD = "four words that differ"


def member(user: User) -> Membership:
    found = membership_of(user)
    assert found is not None
    return found


def actions() -> list[str]:
    with scope(OUR_AGENCY):
        return list(AuditEntry.objects.order_by("number").values_list("action", flat=True))


def link_in(body: object) -> str:
    found = re.search(r"http://testserver(/invitation/\S+)", str(body))
    assert found is not None
    return found[1]


def send(client: Client, mails: Mails, **form: str) -> str:
    """Invite by the page; the link in the mail."""
    with mails() as sent:
        client.post(reverse("people:invite"), form)
    [message] = sent
    return link_in(message.body)


# --- Invitations ------------------------------------------------------------------------------


def test_a_colleague_is_invited_chooses_a_password_and_is_in(
    lin: User, mails: Mails, browser_of: BrowserOf
) -> None:
    link = send(browser_of(lin), mails, name="周琳", email="Zhou@Lingnan.example", role="staff")
    guest = Client()
    assert guest.get(link).context["invitation"].name == "周琳"
    response = guest.post(link, {"password": PASSWORD}, follow=True)
    assert response.redirect_chain[-1] == (reverse("renewals:today"), 302)
    zhou = User.objects.get(email="zhou@lingnan.example")
    assert (member(zhou).role, zhou.check_password(PASSWORD)) == (Role.STAFF, True)
    assert Client().get(link).status_code == 410


def test_a_client_needs_no_password_and_gets_his_rights(
    mei: User, company: Company, mails: Mails, browser_of: BrowserOf
) -> None:
    link = send(
        browser_of(mei),
        mails,
        name="王志强",
        email="wang@hongda.example",
        role="client",
        company=company.uscc,
        gets_mail="on",
    )
    response = Client().post(link, follow=True)
    assert response.redirect_chain[-1] == (reverse("renewals:mine"), 302)
    wang = User.objects.get(email="wang@hongda.example")
    here = member(wang)
    assert (here.company_id, here.may_consent, here.gets_mail) == (company.pk, False, True)
    assert not wang.has_usable_password()


def test_the_link_alone_opens_nobody_elses_account(
    lin: User, rao: User, mails: Mails, browser_of: BrowserOf
) -> None:
    link = send(browser_of(lin), mails, name="Rao", email=rao.email, role="staff")
    thief = Client()
    response = thief.post(link)
    assert response["Location"].startswith(reverse("account_login"))
    assert [one.agency_id for one in [member(rao)]] == [member(rao).agency_id]
    response = browser_of(rao).post(link, follow=True)
    assert response.redirect_chain[-1] == (reverse("renewals:today"), 302)


@pytest.mark.parametrize("role", ["admin", "staff"])
def test_staff_invite_clients_only(
    mei: User, role: str, mails: Mails, browser_of: BrowserOf, agency: object
) -> None:
    with mails() as sent:
        response = browser_of(mei).post(
            reverse("people:invite"), {"name": "周", "email": "z@z.example", "role": role}
        )
    assert (response.context["form"].has_error("role"), sent) == (True, [])
    with scope(OUR_AGENCY), pytest.raises(inviting.NotYours):
        inviting.invite(Invitation(name="周", email="z@z.example", role=role), by=member(mei))


def test_a_client_of_another_agencys_company_is_not_invited(
    mei: User, raos_company: Company, mails: Mails, browser_of: BrowserOf
) -> None:
    form = {"name": "周", "email": "z@z.example", "role": "client", "company": raos_company.uscc}
    with mails() as sent:
        response = browser_of(mei).post(reverse("people:invite"), form)
    assert (response.context["form"].has_error("company"), sent) == (True, [])


def test_a_new_link_kills_the_old_one_and_taking_back_kills_both(
    lin: User, mails: Mails, browser_of: BrowserOf
) -> None:
    client = browser_of(lin)
    first = send(client, mails, name="周", email="z@z.example", role="staff")
    with scope(OUR_AGENCY):
        invitation = Invitation.objects.get()
    with mails() as sent:
        client.post(reverse("people:send_again", args=[invitation.pk]))
    second = link_in(sent[0].body)
    assert [Client().get(link).status_code for link in (first, second)] == [410, 200]
    client.post(reverse("people:revoke", args=[invitation.pk]))
    assert Client().get(second).status_code == 410


def invite(client: Client) -> None:
    client.post(reverse("people:invite"), {"name": "周", "email": "z@z.example", "role": "staff"})


def test_an_invitation_whose_ring_was_lost_is_sent_by_the_clock_and_once(
    lin: User, browser_of: BrowserOf
) -> None:
    client = browser_of(lin)
    invite(client)
    assert (mail.outbox, "通知邮件尚未发出" in client.get(reverse("people:people")).text) == ([], True)
    assert (tend_invitations(), tend_invitations()) == (1, 0)
    [letter] = mail.outbox
    assert Client().get(link_in(letter.body)).status_code == 200
    assert "通知邮件尚未发出" not in client.get(reverse("people:people")).text


def test_an_invitation_that_the_mail_server_refused_stays_due(
    lin: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_message: EmailMessage) -> int:
        raise ConnectionRefusedError

    invite(browser_of(lin))
    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", refuse)
        assert tend_invitations() == 0
    with scope(OUR_AGENCY):
        Invitation.objects.update(due_at=timezone.now())
    assert (tend_invitations(), len(mail.outbox)) == (1, 1)


def test_an_address_that_refuses_for_ever_is_tried_once_and_told_until_it_is_sent_again(
    lin: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMessage) -> int:
        raise SMTPRecipientsRefused({message.to[0]: (550, b"no such user")})

    client = browser_of(lin)
    invite(client)
    with monkeypatch.context() as broken:
        broken.setattr(EmailMessage, "send", refuse)
        assert tend_invitations() == 0
    people = reverse("people:people")
    assert "邮件无法送达" in client.get(people).text
    with scope(OUR_AGENCY):
        [invitation] = Invitation.objects.all()
        told = AuditEntry.objects.get(action="mail_undelivered")
    assert (invitation.due_at, invitation.mail_tries) == (None, 1)
    assert (told.actor, told.object_id, told.detail) == (
        None,
        str(invitation.pk),
        {"role": "staff", "email": "z…@z.example"},
    )
    client.post(reverse("people:send_again", args=[invitation.pk]))
    assert (tend_invitations(), len(mail.outbox)) == (1, 1)
    assert "邮件无法送达" not in client.get(people).text


def test_a_mail_is_tried_with_growing_pauses_for_longer_than_a_weekend_and_no_longer(
    lin: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(message: EmailMessage) -> int:
        raise SMTPRecipientsRefused({message.to[0]: (451, b"try again later")})

    invite(browser_of(lin))
    monkeypatch.setattr(EmailMessage, "send", refuse)
    pauses: list[timedelta] = []
    for _try in range(outbox.TRIES):
        before = timezone.now()
        tend_invitations()
        with scope(OUR_AGENCY):
            [invitation] = Invitation.objects.all()
            if invitation.due_at:
                pauses.append(timedelta(minutes=(invitation.due_at - before) // timedelta(minutes=1)))
                Invitation.objects.update(due_at=before)
    minutes = [pause // timedelta(minutes=1) for pause in pauses]
    assert minutes == [5, 10, 20, 40, 80, 160, 320, 640, 1280, 2560]
    assert sum(pauses, timedelta()) > timedelta(hours=72)
    assert invitation.mail_failed_at is not None
    with scope(OUR_AGENCY):
        assert AuditEntry.objects.filter(action="mail_undelivered").count() == 1


def test_asked_for_again_while_its_mail_goes_out_it_is_sent_with_a_link_that_works(
    lin: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, send_mail = browser_of(lin), EmailMessage.send
    invite(client)
    with scope(OUR_AGENCY):
        again = reverse("people:send_again", args=[Invitation.objects.get().pk])

    def interrupted(message: EmailMessage) -> int:
        client.post(again)
        return send_mail(message)

    with monkeypatch.context() as busy:
        busy.setattr(EmailMessage, "send", interrupted)
        tend_invitations()
    tend_invitations()
    links = [link_in(message.body) for message in mail.outbox]
    assert [Client().get(link).status_code for link in links] == [410, 200]


def test_of_many_invitations_the_newest_are_shown_and_the_search_finds_the_others(
    lin: User, browser_of: BrowserOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("agency.views.people.INVITATIONS_SHOWN", 1)
    client, page = browser_of(lin), reverse("people:people")
    for name in ("first", "second"):
        client.post(reverse("people:invite"), {"name": name, "email": f"{name}@z.example", "role": "staff"})
    shown = client.get(page)
    assert [one.name for one in shown.context["invitations"]] == ["second"]
    assert "共 2 位，这里显示最近邀请的 1 位" in shown.text
    found = client.get(page, {"q": "first@"}).context["invitations"]
    assert [one.name for one in found] == ["first"]


def test_a_link_is_dead_after_a_week(lin: User, mails: Mails, browser_of: BrowserOf) -> None:
    link = send(browser_of(lin), mails, name="周", email="z@z.example", role="staff")
    with scope(OUR_AGENCY):
        Invitation.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    assert Client().get(link).status_code == 410


def test_the_token_is_kept_nowhere(lin: User, mails: Mails, browser_of: BrowserOf) -> None:
    link = send(browser_of(lin), mails, name="周", email="z@z.example", role="staff")
    token = link.split("/")[2]
    with scope(OUR_AGENCY):
        kept = [str(row) for row in Invitation.objects.values()] + [
            str(row) for row in AuditEntry.objects.values()
        ]
    assert [row for row in kept if token in row] == []


def test_a_weak_password_is_refused_in_words(lin: User, mails: Mails, browser_of: BrowserOf) -> None:
    link = send(browser_of(lin), mails, name="周", email="z@z.example", role="staff")
    response = Client().post(link, {"password": "password1234"})
    assert response.context["form"].errors["password"] == ["这个密码太常见了。"]


# --- Changes ----------------------------------------------------------------------------------


def change(client: Client, whom: User, **form: str) -> int:
    return client.post(reverse("people:change", args=[member(whom).pk]), form).status_code


def test_a_new_role_is_in_force_at_the_next_click(mei: User, lin: User, browser_of: BrowserOf) -> None:
    meis, lins = browser_of(mei), browser_of(lin)
    assert meis.get(reverse("trail")).status_code == 404
    change(lins, mei, act="role", role="admin")
    assert meis.get(reverse("trail")).status_code == 302  # signed out: he shows his second factor first
    assert browser_of(mei).get(reverse("trail")).status_code == 200
    with scope(OUR_AGENCY):
        entry = AuditEntry.objects.get(action="role_changed")
    assert entry.detail == {"before": "staff", "after": "admin"}


def test_who_has_left_is_out_at_the_next_click(mei: User, lin: User, browser_of: BrowserOf) -> None:
    meis = browser_of(mei)
    member_id = member(mei).pk
    change(browser_of(lin), mei, act="end")
    assert meis.get(reverse("renewals:board")).status_code == 302
    assert browser_of(mei).get(reverse("renewals:board")).status_code == 404
    browser_of(lin).post(reverse("people:change", args=[member_id]), {"act": "take_back"})
    assert browser_of(mei).get(reverse("renewals:board")).status_code == 200


def test_what_a_colleague_looks_after_is_one_press_away(
    mei: User, lin: User, company: Company, renewal: Renewal, wus_renewal: Renewal, browser_of: BrowserOf
) -> None:
    with scope(OUR_AGENCY):
        Company.objects.filter(pk=company.pk).update(owner=mei)
    browser = browser_of(lin)
    shown = browser.get(reverse("people:person", args=[member(mei).pk])).content.decode()
    companies, renewals = re.findall(rf'href="([^"]+={mei.pk})"', shown)
    assert [row.company for row in browser.get(companies).context["rows"]] == [company]
    assert [row.renewal for row in browser.get(renewals).context["rows"]] == [renewal]


def test_nobody_changes_himself_and_the_last_admin_stays(mei: User, lin: User) -> None:
    with scope(OUR_AGENCY):
        for act in (
            lambda: roster.change_role(member(lin), Role.STAFF, by=member(lin)),
            lambda: roster.end(member(lin), by=member(lin)),
        ):
            with pytest.raises(roster.Refusal, match="self"):
                act()
        with pytest.raises(roster.Refusal, match="not_yours"):
            roster.change_role(member(mei), Role.ADMIN, by=member(mei))


def test_of_two_admins_who_end_each_other_one_stays(lin: User, agency: object) -> None:
    second = make_person("gao@lingnan.example", "Gao", agency, Role.ADMIN)  # type: ignore[arg-type]
    lins, gaos = member(lin), member(second)
    with scope(OUR_AGENCY):
        roster.end(gaos, by=lins)
        # Gao's request was under way; his membership was read before it ended.
        with pytest.raises(roster.Refusal, match="not_yours"):
            roster.end(lins, by=gaos)


def test_the_last_admin_is_not_made_staff_by_an_admin_who_is_staff_meanwhile(
    lin: User, agency: object
) -> None:
    second = make_person("gao@lingnan.example", "Gao", agency, Role.ADMIN)  # type: ignore[arg-type]
    lins, gaos = member(lin), member(second)
    with scope(OUR_AGENCY):
        roster.change_role(gaos, Role.STAFF, by=lins)
        with pytest.raises(roster.Refusal, match="not_yours"):
            roster.change_role(lins, Role.STAFF, by=gaos)


def test_staff_change_a_clients_rights_and_nobody_elses(mei: User, chen: User, lin: User) -> None:
    with scope(OUR_AGENCY):
        roster.change_rights(member(chen), may_consent=False, gets_mail=True, by=member(mei))
        with pytest.raises(roster.Refusal, match="not_yours"):
            roster.sign_out(member(lin), by=member(mei))
    assert member(chen).may_consent is False
    assert "rights_changed" in actions()


def test_a_lost_factor_is_taken_away_by_an_admin_and_he_is_signed_out(
    mei: User, lin: User, browser_of: BrowserOf
) -> None:
    TOTP.activate(mei, "JBSWY3DPEHPK3PXP")
    meis = browser_of(mei)
    change(browser_of(lin), mei, act="reset_factors")
    assert Authenticator.objects.filter(user=mei).count() == 0
    assert meis.get(reverse("renewals:board")).status_code == 302


def test_one_agencys_admin_resets_nobody_who_works_for_another_too(
    mei: User, lin: User, raos_company: Company
) -> None:
    with scope(raos_company.agency_id):
        Membership.objects.create(user=mei, role=Role.STAFF)
    TOTP.activate(mei, "JBSWY3DPEHPK3PXP")
    with scope(OUR_AGENCY):
        ours = Membership.objects.select_related("user").get(user=mei)
        with pytest.raises(roster.Refusal, match="not_yours"):
            roster.reset_factors(ours, by=member(lin))


def test_an_old_link_of_a_demoted_user_is_dead_at_once(
    mei: User, lin: User, company: Company, browser_of: BrowserOf
) -> None:
    meis, page = browser_of(mei), reverse("companies:company", args=[company.pk])
    assert meis.get(page).status_code == 200
    with scope(OUR_AGENCY):
        Membership.objects.filter(user=mei).update(role=Role.CLIENT, company=company)
    assert meis.get(page).status_code == 404


def test_a_person_of_two_agencies_chooses_where_he_works(
    mei: User, raos_company: Company, browser_of: BrowserOf
) -> None:
    with scope(raos_company.agency_id):
        Membership.objects.create(user=mei, role=Role.STAFF)
    client = browser_of(mei)
    there = reverse("companies:company", args=[raos_company.pk])
    assert client.get(there).status_code == 404
    client.post(reverse("choose_agency"), {"agency": str(raos_company.agency_id)})
    assert client.get(there).status_code == 200


def test_a_changed_password_is_told_and_ends_the_other_sign_ins(mei: User, browser_of: BrowserOf) -> None:
    mei.set_password(PASSWORD)
    mei.save()
    here, there = browser_of(mei), browser_of(mei)
    form = {"oldpassword": PASSWORD, "password1": "five words that differ too", "password2": ""}
    form["password2"] = form["password1"]
    here.post(reverse("account_change_password"), form)
    assert "password_changed" in actions()
    assert there.get(reverse("renewals:board"))["Location"].startswith(reverse("account_login"))
