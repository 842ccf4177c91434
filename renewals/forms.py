"""What people fill in about renewals."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django import forms
from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.models import User
from agency.people import colleagues
from companies.domain.cards import is_issued
from companies.domain.readiness import REFUSED_IN_EMAIL, is_chinese_mobile
from renewals.models import Batch, Desk, Renewal, StageName

# What cards take; a PIN of another length is a slip of the finger and would cost a try.
PIN_AT_LEAST, PIN_AT_MOST = 6, 16
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


class AboutRenewal(forms.Form):
    """A form about one renewal, which it may look at."""

    def __init__(self, *args: Any, renewal: Renewal, **kwargs: Any) -> None:
        self.renewal = renewal
        super().__init__(*args, **kwargs)


class WhyForm(AboutRenewal):
    """Why; it stays in the story."""

    why = forms.CharField(
        label=_("Why?"),
        max_length=300,
        error_messages={"required": _("Write down why: it stays in the story.")},
    )


class AgainForm(WhyForm):
    """Why the present stage is done again, and what the person saw when he went to look at the portal."""

    stage = forms.ChoiceField(choices=StageName.choices, widget=forms.HiddenInput)
    as_of = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["stage"].initial = self.renewal.stage
        self.fields["as_of"].initial = self.renewal.epoch


class CommentForm(AboutRenewal):
    """What colleagues should know."""

    text = forms.CharField(
        label=_("What should colleagues know?"), max_length=1000, widget=forms.Textarea(attrs={"rows": 2})
    )


class AssignForm(AboutRenewal):
    """Who looks after it from now on."""

    person = forms.ModelChoiceField(
        label=pgettext_lazy("renewal", "Assign to"),
        queryset=User.objects.none(),
        required=False,
        empty_label=_("Nobody in particular"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["person"].queryset = colleagues()  # type: ignore[attr-defined]  # a choice of rows


class ProofForm(AboutRenewal):
    """Up to which stage it was done by hand, and where the portal shows it."""

    stage = forms.ChoiceField(label=_("Done up to"))
    proof = forms.CharField(
        label=_("Where does the portal show it?"),
        min_length=4,
        max_length=300,
        help_text=_("For example the number of the application, and its state there."),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        names = list(StageName)
        first = names.index(StageName(self.renewal.stage)) if self.renewal.stage else len(names)
        choices = [(name.value, name.label) for name in names[first:]]
        self.fields["stage"].choices = choices  # type: ignore[attr-defined]  # a choice


class ContactForm(AboutRenewal):
    """A contact that the portal accepts."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=60)
    mobile = forms.CharField(label=_("Mobile"), max_length=20)
    email = forms.EmailField(label=_("E-mail address"))

    def clean_mobile(self) -> str:
        """The portal sends its messages to a Chinese mobile."""
        mobile: str = self.cleaned_data["mobile"]
        if not is_chinese_mobile(mobile):
            raise forms.ValidationError(_("This is not a Chinese mobile number."))
        return mobile

    def clean_email(self) -> str:
        """The portal refuses two signs (guide, 二.2)."""
        email: str = self.cleaned_data["email"]
        if any(sign in email for sign in REFUSED_IN_EMAIL):
            raise forms.ValidationError(
                _("The portal refuses e-mail addresses with a hyphen or an underscore.")
            )
        return email


class DeskForm(forms.ModelForm):  # type: ignore[type-arg]  # not generic at run time
    """What a desk is called, and where its card control answers."""

    class Meta:
        model = Desk
        fields = ("name", "control", "reads_cards")
        help_texts = {  # Django reads it so
            "control": _("On the desk's own computer it is ws://127.0.0.1:61232."),
            "reads_cards": _("Leave it ticked unless cards there tell nothing before their PIN was typed."),
        }

    def clean_control(self) -> str:
        """Only addresses that the installation allows: a worker of ours connects there."""
        control: str = self.cleaned_data["control"].strip()
        allowed = settings.DESK_CONTROL_HOSTS
        if not is_allowed_control(control, allowed):
            words = _("Write it like ws://127.0.0.1:61232. This installation reaches: %(hosts)s.")
            raise forms.ValidationError(words, params={"hosts": ", ".join(allowed)})
        return control


def is_allowed_control(address: str, hosts: list[str]) -> bool:
    """Whether this is the bare address of a card control on one of these hosts: ws://HOST:PORT."""
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        return False
    is_bare = not (parts.path.strip("/") or parts.query or parts.fragment or parts.username)
    return parts.scheme in ("ws", "wss") and parts.hostname in hosts and port is not None and is_bare


class DeskPinForm(forms.Form):
    """A PIN for one use at a desk. What was typed is never sent back, not even with its errors."""

    pin = forms.CharField(
        label=_("PIN of the card"),
        min_length=PIN_AT_LEAST,
        max_length=PIN_AT_MOST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_(
            "For this one use, not kept. A wrong PIN costs one of the card's tries; "
            "nobody tries again by itself."
        ),
    )

    def clean_pin(self) -> str:
        """A PIN that cards are issued with is most likely not this card's: it would cost a try."""
        pin: str = self.cleaned_data["pin"]
        if is_issued(pin):
            raise forms.ValidationError(
                _("This is the PIN that cards are issued with. Ask the company for the one it set.")
            )
        return pin


class WhichCardForm(forms.Form):
    """Which card is in a reader that cannot tell; with its PIN where the vault has none."""

    which = forms.CharField(
        label=_("Which card is in the reader?"),
        max_length=80,
        help_text=_("The end of its number, its company, or its drawer."),
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    pin = forms.CharField(
        label=_("PIN of the card, unless the vault has it"),
        required=False,
        min_length=PIN_AT_LEAST,
        max_length=PIN_AT_MOST,
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )
    clean_pin = DeskPinForm.clean_pin


class ViewForm(forms.Form):
    """How a view of the board is called."""

    name = forms.CharField(label=_("Save this view as"), max_length=40)


class PauseForm(forms.Form):
    """Why work stands still, or goes on."""

    why = forms.CharField(
        label=_("Why?"),
        max_length=300,
        error_messages={"required": _("Write down why: colleagues read it.")},
    )


class BatchPauseForm(PauseForm):
    """Why a batch stands still, or one stage of it."""

    stage = forms.ChoiceField(choices=[("", ""), *StageName.choices], required=False)
