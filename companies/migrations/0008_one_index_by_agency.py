"""The index by agency alone goes: (agency, id) begins with it, and Postgres mistook the one for the other."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("companies", "0007_isolate_imports_and_asks")]

    operations = [
        migrations.AlterField(
            model_name="company",
            name="agency",
            field=models.ForeignKey(
                db_index=False,
                editable=False,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="agency.agency",
            ),
        ),
    ]
