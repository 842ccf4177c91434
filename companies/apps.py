"""The app of the client companies."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class CompaniesConfig(AppConfig):
    name = "companies"
    verbose_name = _("Companies")

    def ready(self) -> None:
        # They say which columns hold sealed texts.
        from companies.domain import cards  # noqa: F401
