"""Every address of the site."""

from __future__ import annotations

from allauth.account import views as account
from allauth.usersessions import views as sessions
from django.urls import include, path
from django.views.i18n import set_language

from agency.views import account as own
from agency.views import entrance as views
from agency.views import invitation, mailbox, operator, people, trail

handler400 = "agency.views.entrance.bad_request"
handler500 = "agency.views.entrance.server_error"

people_urls = [
    path("", people.people, name="people"),
    path("invite/", people.invite, name="invite"),
    path("idle/", people.idle, name="idle"),
    path("invitations/<uuid:invitation_id>/again/", people.send_again, name="send_again"),
    path("invitations/<uuid:invitation_id>/revoke/", people.revoke, name="revoke"),
    path("<uuid:membership_id>/", people.person, name="person"),
    path("<uuid:membership_id>/change/", people.change, name="change"),
    path("<uuid:membership_id>/export/", people.export, name="export"),
]
operator_urls = [
    path("", operator.agencies, name="agencies"),
    path("make/", operator.make, name="make"),
    path("leave/", operator.leave, name="leave"),
    path("<uuid:agency_id>/enter/", operator.enter, name="enter"),
    path("<uuid:agency_id>/invite/", operator.invite, name="invite"),
]
urlpatterns = [
    path("", views.home, name="home"),
    path("health", views.health, name="health"),
    path("language", set_language, name="language"),
    # Of allauth's pages only those that people here need: nobody signs up.
    path("sign-in/", account.login, name="account_login"),
    path("sign-in/code/", account.request_login_code, name="account_request_login_code"),
    path("sign-in/code/confirm/", own.ConfirmCode.as_view(), name="account_confirm_login_code"),
    path("sign-in/again/", account.reauthenticate, name="account_reauthenticate"),
    path("sign-out/", account.logout, name="account_logout"),
    path("account/password/", account.password_change, name="account_change_password"),
    path("account/password/set/", account.password_set, name="account_set_password"),
    path("account/sessions/", sessions.list_usersessions, name="usersessions_list"),
    path("account/agency/", own.choose_agency, name="choose_agency"),
    path("account/", include("allauth.mfa.urls")),
    path("invitation/<str:token>/", invitation.invitation, name="invitation"),
    path("people/", include((people_urls, "people"))),
    path("audit/", trail.trail, name="trail"),
    path("audit/<str:kind>/", trail.export, name="trail_export"),
    path("operator/", include((operator_urls, "operator"))),
    path("demo/mailbox/", mailbox.mailbox, name="mailbox"),
    path("companies/", include("companies.urls")),
    path("readiness/", include("companies.readiness_urls")),
    path("", include("renewals.urls")),
]
