"""The addresses of companies, for staff and admins."""

from __future__ import annotations

from django.urls import path

from companies.views import company, listing, rights, workbook

app_name = "companies"
urlpatterns = [
    path("", listing.companies, name="list"),
    path("import/", workbook.import_workbook, name="import"),
    path("import/confirm/", workbook.confirm_import, name="import_confirm"),
    path("<uuid:company_id>/", company.company, name="company"),
    path("<uuid:company_id>/consent/", company.record_consent, name="consent"),
    path("<uuid:company_id>/export/", rights.export, name="export"),
    path("<uuid:company_id>/erase/", rights.erase, name="erase"),
    path("cards/<uuid:card_id>/quarantine/", company.lift_card_quarantine, name="lift_quarantine"),
    path("cards/<uuid:card_id>/pin/", company.store_card_pin, name="store_pin"),
]
