"""The app of the renewals."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class RenewalsConfig(AppConfig):
    name = "renewals"
    verbose_name = _("Renewals")

    def ready(self) -> None:
        # They say which columns hold sealed texts.
        from agency.trail import name_codes
        from renewals.domain import pins  # noqa: F401
        from renewals.models import StageName, State
        from renewals.reasons import CATALOGUE
        from renewals.sentences import BUTTONS

        name_codes("reason", {code: words.what for code, words in CATALOGUE.items()})
        name_codes("click", BUTTONS)
        name_codes("stage", dict(StageName.choices))
        for part in ("before", "after"):
            name_codes(part, dict(State.choices))
