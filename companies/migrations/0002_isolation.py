"""Row-level security: an agency's companies are its own, and a client sees his company."""

from django.db import migrations

from agency.isolation import Isolate

OF_THE_COMPANY = "company_id = {company}"
COMPANY = {"company_id": "companies_company"}


class Migration(migrations.Migration):
    dependencies = [("companies", "0001_companies")]

    operations = [
        Isolate("companies_company", clients="id = {company}"),
        Isolate("companies_contact", clients=OF_THE_COMPANY, references=COMPANY),
        # Cards, and the vault with them, are none of a client's pages' business.
        Isolate("companies_card", references=COMPANY),
        Isolate("companies_consent", clients=OF_THE_COMPANY, references=COMPANY),
    ]
