"""The app of the tenant itself."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class AgencyConfig(AppConfig):
    name = "agency"
    verbose_name = _("Agency")

    def ready(self) -> None:
        from agency import checks, signing_in, trail  # noqa: F401  # checks register themselves
        from agency.models import Role

        for part in ("role", "before", "after"):
            trail.name_codes(part, dict(Role.choices))
        signing_in.connect()
