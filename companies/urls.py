"""The addresses of companies, for staff and admins."""

from __future__ import annotations

from django.urls import path

from companies.views import company, editing, listing, rights, workbook

app_name = "companies"
urlpatterns = [
    path("", listing.companies, name="list"),
    path("new/", editing.new_company, name="new"),
    path("edit/", editing.preview_edit, name="edit_many"),
    path("edit/confirm/", editing.carry_out_edit, name="edit_many_confirm"),
    path("import/", workbook.send, name="import"),
    path("imports/<uuid:workbook_id>/", workbook.workbook, name="workbook"),
    path("imports/<uuid:workbook_id>/progress/", workbook.progress, name="workbook_progress"),
    path("imports/<uuid:workbook_id>/columns/", workbook.columns, name="workbook_columns"),
    path("imports/<uuid:workbook_id>/sheet/", workbook.sheet, name="workbook_sheet"),
    path("imports/<uuid:workbook_id>/confirm/", workbook.confirm, name="workbook_confirm"),
    path("imports/<uuid:workbook_id>/wrong/", workbook.wrong, name="workbook_wrong"),
    path("<uuid:company_id>/", company.company, name="company"),
    path("<uuid:company_id>/edit/", editing.edit_company, name="edit"),
    path("<uuid:company_id>/contacts/new/", editing.new_contact, name="new_contact"),
    path("<uuid:company_id>/cards/new/", editing.new_card, name="new_card"),
    path("contacts/<uuid:contact_id>/", editing.edit_contact, name="contact"),
    path("contacts/<uuid:contact_id>/delete/", editing.delete_contact, name="delete_contact"),
    path("cards/<uuid:card_id>/", editing.edit_card, name="card"),
    path("<uuid:company_id>/consent/", company.record_consent, name="consent"),
    path("<uuid:company_id>/export/", rights.export, name="export"),
    path("<uuid:company_id>/erase/", rights.erase, name="erase"),
    path("cards/<uuid:card_id>/quarantine/", company.lift_card_quarantine, name="lift_quarantine"),
    path("cards/<uuid:card_id>/pin/", company.store_card_pin, name="store_pin"),
]
