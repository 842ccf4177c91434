"""Companies are looked for by the initials of their names, and carry tags."""

import django.contrib.postgres.fields
from django.db import migrations, models

import companies.initials


class Migration(migrations.Migration):
    dependencies = [("companies", "0003_companies_may_be_erased")]

    operations = [
        migrations.AddField(
            model_name="company",
            name="initials",
            field=companies.initials.InitialsField(db_default="", editable=False, max_length=120),
        ),
        migrations.AddField(
            model_name="company",
            name="tags",
            field=django.contrib.postgres.fields.ArrayField(
                base_field=models.CharField(max_length=20), blank=True, db_default=[], default=list, size=None
            ),
        ),
        migrations.AddIndex(
            model_name="company",
            index=models.Index(fields=["agency", "initials", "name"], name="companies_by_initials"),
        ),
    ]
