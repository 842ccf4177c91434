"""Fill the initials of companies that are there already, agency by agency: the owner sees no other way."""

from typing import Any

from django.db import migrations

from companies.initials import initials_of


def fill(apps: Any, schema_editor: Any) -> None:
    """Each agency's companies, inside its scope as row-level security asks for it."""
    with schema_editor.connection.cursor() as cursor:
        cursor.execute("SELECT id FROM agency_agency")
        for (agency,) in cursor.fetchall():
            cursor.execute("SELECT set_config('app.agency', %s, true)", [str(agency)])
            cursor.execute("SELECT id, name FROM companies_company WHERE initials = ''")
            filled = [(initials_of(name)[:120], company) for company, name in cursor.fetchall()]
            cursor.executemany("UPDATE companies_company SET initials = %s WHERE id = %s", filled)
        cursor.execute("SELECT set_config('app.agency', '', true)")


class Migration(migrations.Migration):
    dependencies = [("companies", "0004_initials_and_tags")]

    operations = [migrations.RunPython(fill, migrations.RunPython.noop)]
