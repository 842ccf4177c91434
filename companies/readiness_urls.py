"""The addresses of the readiness list 办理条件, for staff and admins."""

from __future__ import annotations

from django.urls import path

from companies.views import letters, readiness

app_name = "readiness"
urlpatterns = [
    path("", readiness.readiness, name="list"),
    path("export/<str:kind>/", readiness.export, name="export"),
    path("ask/", readiness.preview_ask, name="ask"),
    path("ask/confirm/", readiness.carry_out_ask, name="ask_confirm"),
    path("letters/", letters.begin, name="letters"),
    path("letters/next/", letters.record, name="letters_next"),
]
