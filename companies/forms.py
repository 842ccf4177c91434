"""What people fill in about companies."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from agency.models import User
from agency.people import colleagues, colleagues_ever
from companies.domain import cells
from companies.domain.cards import is_issued
from companies.domain.columns import REQUIRED, Column
from companies.domain.editing import TAGS_AT_MOST, Edit, split_tags
from companies.models import Card, Company, Contact, Import, validate_uscc

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


class ColumnsForm(forms.Form):
    """What stands in each column of a workbook, by a person's word."""

    skips_hidden = forms.BooleanField(label=_("Leave hidden rows out"), required=False)

    def __init__(self, *args: Any, workbook: Import, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["skips_hidden"].initial = workbook.skips_hidden
        choices = [("", _("not used")), *((str(column), column.heading) for column in Column)]
        self.places = [place for place, one in enumerate(workbook.headings) if one["text"] or one["samples"]]
        for place in self.places:
            heading = workbook.headings[place]
            self.fields[f"c{place}"] = forms.ChoiceField(
                label=heading["text"] or _("(no heading)"),
                choices=choices,
                required=False,
                initial=heading["column"],
                help_text="、".join(heading["samples"]),
            )

    def rows(self) -> list[forms.BoundField]:
        """The columns' fields, from left to right."""
        return [self[f"c{place}"] for place in self.places]

    def clean(self) -> None:
        """Each thing stands in one column at most; name and code must be somewhere."""
        named = [column for column in self.chosen_columns() if column]
        twice = {column for column in named if named.count(column) > 1}
        if twice:
            headings = "、".join(Column(column).heading for column in sorted(twice))
            raise forms.ValidationError(
                _("%(columns)s: chosen for more than one column."), params={"columns": headings}
            )
        if missing := [column.heading for column in REQUIRED if str(column) not in named]:
            raise forms.ValidationError(
                _("Say which column holds %(columns)s: no company is known without it."),
                params={"columns": "、".join(missing)},
            )

    def chosen_columns(self) -> list[str]:
        """The choice for each field, from left to right."""
        return [self.cleaned_data.get(f"c{place}", "") for place in self.places]

    def chosen(self) -> dict[Column, int]:
        """Where each column stands, of a valid form."""
        pairs = zip(self.chosen_columns(), self.places, strict=True)
        return {Column(column): place for column, place in pairs if column}


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


class CompanyForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """A company itself: what stands on its licence, and who looks after it."""

    tags = forms.CharField(label=_("Tags"), required=False, help_text=_("Separated by commas or spaces"))
    authorized_before = forms.NullBooleanField(label=_("Authorised in an earlier year"), required=False)

    class Meta:
        model = Company
        fields = (
            "name",
            "uscc",
            "region",
            "owner",
            "tags",
            "old_policy_ends_on",
            "authorized_before",
            "note",
        )
        widgets = {
            "old_policy_ends_on": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
            "note": forms.Textarea(attrs={"rows": 3}),
        }

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.initial["tags"] = "、".join(self.instance.tags)
        # Somebody who has left stays in charge until it is another: saving the rest must not change that.
        eligible = Q(pk__in=colleagues()) | Q(pk=self.instance.owner_id)
        self.fields["owner"] = forms.ModelChoiceField(
            colleagues_ever().filter(eligible), label=_("In charge"), required=False, empty_label=_("nobody")
        )
        self.fields["uscc"].widget.attrs["maxlength"] = 30  # spaces may be typed between the digits
        self.fields["uscc"].validators = []

    def clean_uscc(self) -> str:
        """Eighteen characters whose check digit is right, and no other company's."""
        number = cells.code(self.cleaned_data["uscc"]).upper()
        validate_uscc(number)
        other = Company.objects.filter(uscc=number).exclude(pk=self.instance.pk).first()
        if other:
            raise forms.ValidationError(
                _("This code is another company's: %(company)s"), params={"company": other.name}
            )
        return number

    def clean_tags(self) -> list[str]:
        """Not too many, not too long."""
        return list(_tags(self.cleaned_data["tags"]))


class ContactForm(forms.ModelForm):  # type: ignore[type-arg]
    """Whom the portal and we write to."""

    class Meta:
        model = Contact
        fields = ("name", "mobile", "email", "is_primary")

    def clean_mobile(self) -> str:
        """The digits without +86."""
        return _read(cells.telephone, self.cleaned_data["mobile"], _("This is not a telephone number."))


class CardForm(forms.ModelForm):  # type: ignore[type-arg]
    """A card, without its PIN."""

    class Meta:
        model = Card
        fields = ("number", "kind", "certificate", "holder", "valid_until", "custody", "drawer")
        widgets = {"valid_until": forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")}

    def clean_number(self) -> str:
        """As it is printed, without spaces; no other card's."""
        number = cells.code(self.cleaned_data["number"])
        others = Card.objects.filter(number=number).exclude(pk=self.instance.pk).select_related("company")
        if other := others.first():
            raise forms.ValidationError(
                _("This card is another company's: %(company)s"), params={"company": other.company.name}
            )
        return number


AS_IT_IS, NOBODY = "", "nobody"


class EditForm(forms.Form):
    """What many companies get at once."""

    owner = forms.ChoiceField(label=_("In charge"), required=False)
    add = forms.CharField(label=_("Add tags"), required=False, help_text=_("Separated by commas or spaces"))
    remove = forms.CharField(label=_("Take tags away"), required=False)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._people: dict[str, User] = {str(one.pk): one for one in colleagues()}
        choices = [(AS_IT_IS, _("leave as it is")), (NOBODY, _("nobody"))]
        self.fields["owner"].choices = [  # type: ignore[attr-defined]  # a choice field, as above
            *choices,
            *((key, one.name) for key, one in self._people.items()),
        ]

    def clean_add(self) -> tuple[str, ...]:
        """Not too many, not too long."""
        return _tags(self.cleaned_data["add"])

    def clean_remove(self) -> tuple[str, ...]:
        """Any words: what no company carries is taken from none."""
        return split_tags(self.cleaned_data["remove"])

    def clean(self) -> None:
        """Something must be different afterwards."""
        if not self.errors and not any(self.cleaned_data.values()):
            raise forms.ValidationError(_("Choose who is in charge, or write a tag."))

    def edit(self) -> Edit:
        """The edit that a valid form asks for."""
        owner = self.cleaned_data["owner"]
        return Edit(
            sets_owner=owner != AS_IT_IS,
            owner=self._people.get(owner),
            add=self.cleaned_data["add"],
            remove=self.cleaned_data["remove"],
        )


def _tags(text: str) -> tuple[str, ...]:
    tags = split_tags(text)
    longest: int = Company._meta.get_field("tags").base_field.max_length or 0
    if len(tags) > TAGS_AT_MOST or any(len(tag) > longest for tag in tags):
        raise forms.ValidationError(
            _("At most %(tags)d tags of %(signs)d characters."),
            params={"tags": TAGS_AT_MOST, "signs": longest},
        )
    return tags


def _read(read: Callable[[str], str], text: str, what: Any) -> str:
    """The text as its column is read in a workbook, too; nothing stays nothing."""
    try:
        return read(text) if text.strip() else ""
    except cells.Unreadable:
        raise forms.ValidationError(what) from None
