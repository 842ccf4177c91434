"""What people fill in about companies."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from companies.domain.cards import is_issued

WORKBOOK_BYTES_AT_MOST = 10 * 1024 * 1024


class WorkbookForm(forms.Form):
    """A workbook of companies."""

    workbook = forms.FileField(
        label=_("Workbook"),
        help_text=_("Excel (.xlsx, .xls) or .csv, one company a row, at most 10 MB"),
        widget=forms.FileInput(attrs={"accept": ".xlsx,.xls,.csv"}),
        allow_empty_file=True,
    )

    def clean_workbook(self) -> Any:
        """Refuse what is too large before it is read."""
        workbook = self.cleaned_data["workbook"]
        if workbook.size > WORKBOOK_BYTES_AT_MOST:
            raise forms.ValidationError(_("This file is larger than 10 MB. Split it."))
        return workbook


class LetterForm(forms.Form):
    """A consent that came by letter."""

    given_by = forms.CharField(label=_("Signed by"), max_length=80)


class QuarantineForm(forms.Form):
    """What a person found when he looked at the card."""

    why = forms.CharField(label=_("What did you find?"), max_length=200)


class PinForm(forms.Form):
    """A PIN for the vault. It is never shown again, and never a wrong guess: nobody tries it here."""

    pin = forms.CharField(
        label=_("PIN of the card"),
        min_length=6,
        max_length=16,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    allowed = forms.BooleanField(label=_("The company has allowed in writing that we keep its PIN"))

    def clean_pin(self) -> str:
        """A PIN that cards are issued with is most likely not this card's: it would cost a try."""
        pin: str = self.cleaned_data["pin"]
        if is_issued(pin):
            raise forms.ValidationError(
                _("This is the PIN that cards are issued with. Ask the company for the one it set.")
            )
        return pin


class EraseForm(forms.Form):
    """Why a company's data goes: who asked, when, how."""

    why = forms.CharField(
        label=_("Who asked for it, and how?"),
        max_length=200,
        help_text=_("It stays in the audit trail."),
        error_messages={"required": _("Write down who asked for it, and how.")},
    )
