"""Rehearsals; and in the twins in which they are played, nothing but made-up cards and desks of their own."""

import uuid

import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

from agency.isolation import Isolate

# Who plays rehearsals finds them as the sweep finds its work: ids, states and times.
SWEEP = """
CREATE POLICY sweep ON renewals_rehearsal AS PERMISSIVE FOR SELECT TO xubao_sweep USING (true);
GRANT SELECT (id, agency_id, state, asked_at, held_until, ended_at) ON renewals_rehearsal TO xubao_sweep;
"""
NO_SWEEP = """
REVOKE SELECT ON renewals_rehearsal FROM xubao_sweep;
DROP POLICY sweep ON renewals_rehearsal;
"""

# The agency's own row is visible to whoever writes one of its rows.
APART = """
CREATE FUNCTION is_rehearsal(agency uuid) RETURNS boolean
    LANGUAGE sql STABLE SET search_path = public, pg_temp AS $$
    SELECT COALESCE((SELECT rehearsal_of_id IS NOT NULL FROM agency_agency WHERE id = agency), false)
$$;
GRANT EXECUTE ON FUNCTION is_rehearsal(uuid) TO xubao_app;

CREATE FUNCTION renewals_desk_apart() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF is_rehearsal(NEW.agency_id) <> starts_with(NEW.code, 'rehearsal-') THEN
        RAISE check_violation USING MESSAGE = 'a rehearsal has desks of its own, and nobody else has those';
    END IF;
    IF starts_with(NEW.code, 'rehearsal-') AND NEW.control !~ '^ws://127\\.0\\.0\\.1:[0-9]+$' THEN
        RAISE check_violation USING MESSAGE = 'the card control of a rehearsal is the simulator''s';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER apart BEFORE INSERT OR UPDATE OF agency_id, code, control ON renewals_desk
    FOR EACH ROW EXECUTE FUNCTION renewals_desk_apart();

CREATE FUNCTION companies_card_apart() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF is_rehearsal(NEW.agency_id) AND NOT starts_with(NEW.number, 'SIM-') THEN
        RAISE check_violation USING MESSAGE = 'the cards of a rehearsal are made up';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER apart BEFORE INSERT OR UPDATE OF agency_id, number ON companies_card
    FOR EACH ROW EXECUTE FUNCTION companies_card_apart();

-- Nobody is a member of a twin: rights in it are those in the real agency. So no client ever has one.
CREATE FUNCTION agency_membership_apart() RETURNS trigger
    LANGUAGE plpgsql SET search_path = public, pg_temp AS $$
BEGIN
    IF is_rehearsal(NEW.agency_id) THEN
        RAISE check_violation USING MESSAGE = 'a rehearsal has no members, and nobody gets mail from it';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER apart BEFORE INSERT ON agency_membership
    FOR EACH ROW EXECUTE FUNCTION agency_membership_apart();
CREATE TRIGGER apart BEFORE INSERT ON agency_invitation
    FOR EACH ROW EXECUTE FUNCTION agency_membership_apart();
-- Mails are written of asks and of invitations alone.
CREATE TRIGGER apart BEFORE INSERT ON companies_ask
    FOR EACH ROW EXECUTE FUNCTION agency_membership_apart();
"""
NOT_APART = """
DROP TRIGGER apart ON companies_ask;
DROP TRIGGER apart ON agency_invitation;
DROP TRIGGER apart ON agency_membership;
DROP TRIGGER apart ON companies_card;
DROP TRIGGER apart ON renewals_desk;
DROP FUNCTION agency_membership_apart();
DROP FUNCTION companies_card_apart();
DROP FUNCTION renewals_desk_apart();
DROP FUNCTION is_rehearsal(uuid);
"""


class Migration(migrations.Migration):
    dependencies = [
        ("agency", "0009_rehearsal_twins"),
        ("companies", "0009_asks_are_due_and_imports_end"),
        ("renewals", "0013_count_in_the_index"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Rehearsal",
            fields=[
                (
                    "id",
                    models.UUIDField(default=uuid.uuid4, editable=False, primary_key=True, serialize=False),
                ),
                ("name", models.CharField(max_length=80, verbose_name="name")),
                ("year", models.PositiveSmallIntegerField(verbose_name="policy year")),
                (
                    "companies",
                    django.contrib.postgres.fields.ArrayField(base_field=models.UUIDField(), size=None),
                ),
                (
                    "asked_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "About to begin"),
                            ("playing", "Under way"),
                            ("over", "Over, and still to be looked at"),
                            ("failed", "Broken off"),
                            ("ending", "Being wiped"),
                            ("wiped", "Wiped"),
                        ],
                        default="asked",
                        max_length=10,
                    ),
                ),
                ("held_until", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("batch", models.UUIDField(null=True)),
                ("total", models.PositiveIntegerField(default=0)),
                ("complete", models.PositiveIntegerField(default=0)),
                ("stopped", models.PositiveIntegerField(default=0)),
                (
                    "agency",
                    models.ForeignKey(
                        editable=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="agency.agency",
                    ),
                ),
                (
                    "asked_by",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={"verbose_name": "rehearsal", "ordering": ["-asked_at"]},
        ),
        migrations.AddConstraint(
            model_name="rehearsal",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state", "wiped"), _negated=True),
                fields=("agency",),
                name="one_rehearsal_at_a_time",
            ),
        ),
        Isolate("renewals_rehearsal"),
        migrations.RunSQL(SWEEP, NO_SWEEP),
        migrations.RunSQL(APART, NOT_APART),
    ]
