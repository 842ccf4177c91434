"""What people fill in about renewals."""

from __future__ import annotations

from typing import Any

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from agency.models import User
from companies.filters import colleagues
from renewals.models import Batch

# What the words of the form are in numbers: the run sheet goes by them after the days.
PRIORITIES = {0: _("Usual"), 10: _("Urgent: goes before other batches"), -10: _("When there is time")}


class BatchForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """How the new batch is called, who looks after it, when it should be done, and what goes first."""

    due_on = forms.DateField(
        label=_("To be done by"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    priority = forms.TypedChoiceField(
        label=_("Priority"), choices=list(PRIORITIES.items()), coerce=int, required=False
    )
    assignee = forms.ModelChoiceField(
        User.objects.none(),
        label=_("In charge"),
        required=False,
        empty_label=_("who is in charge of each company"),
    )

    class Meta:
        model = Batch
        fields = ("name", "note")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["assignee"].queryset = colleagues()  # type: ignore[attr-defined]  # of this agency

    def clean_priority(self) -> int:
        """Usual, where nobody said anything else."""
        return self.cleaned_data["priority"] or 0

    def clean_due_on(self) -> object:
        """A day that has passed is a slip of the finger."""
        due_on = self.cleaned_data["due_on"]
        if due_on and due_on < timezone.localdate():
            raise forms.ValidationError(_("This day has passed."))
        return due_on
