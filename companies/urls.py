"""The addresses of companies, for staff and admins."""

from __future__ import annotations

from django.urls import path

from companies import views

app_name = "companies"
urlpatterns = [
    path("", views.companies, name="list"),
    path("import/", views.import_workbook, name="import"),
    path("import/confirm/", views.confirm_import, name="import_confirm"),
    path("<uuid:company_id>/", views.company, name="company"),
    path("<uuid:company_id>/consent/", views.record_consent, name="consent"),
    path("cards/<uuid:card_id>/quarantine/", views.lift_card_quarantine, name="lift_quarantine"),
    path("cards/<uuid:card_id>/pin/", views.store_card_pin, name="store_pin"),
]
