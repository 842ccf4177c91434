"""Row-level security: an agency's imports and asks are its own, and none of a client's business."""

from django.db import migrations

from agency.isolation import Isolate


class Migration(migrations.Migration):
    dependencies = [("companies", "0006_imports_and_asks")]

    operations = [
        Isolate("companies_import"),
        # What an agency wrote to a company's contact is between the two; the client's page does not show it.
        Isolate("companies_ask", references={"company_id": "companies_company"}),
        Isolate("companies_importrow", references={"workbook_id": "companies_import"}),
    ]
