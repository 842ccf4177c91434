"""The app of the renewals."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RenewalsConfig(AppConfig):
    name = "renewals"
    verbose_name = _("Renewals")

    def ready(self) -> None:
        # They say which columns hold sealed texts.
        from renewals.domain import pins  # noqa: F401
