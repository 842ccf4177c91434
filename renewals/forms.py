"""What people fill in about renewals."""

from __future__ import annotations

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from renewals.models import Batch


class BatchForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """How the new batch is called, when it should be done, and whether it goes first."""

    due_on = forms.DateField(
        label=_("To be done by"), required=False, widget=forms.DateInput(attrs={"type": "date"})
    )
    urgent = forms.BooleanField(label=_("Urgent: goes before other batches"), required=False)

    class Meta:
        model = Batch
        fields = ("name",)

    def clean_due_on(self) -> object:
        """A day that has passed is a slip of the finger."""
        due_on = self.cleaned_data["due_on"]
        if due_on and due_on < timezone.localdate():
            raise forms.ValidationError(_("This day has passed."))
        return due_on
