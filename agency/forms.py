"""Forms of the sign-in and of people."""

from __future__ import annotations

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.account.forms import RequestLoginCodeForm
from allauth.account.internal.userkit import filter_users_by_email
from allauth.core import context
from django import forms
from django.apps import apps
from django.contrib.auth.password_validation import validate_password
from django.core.validators import validate_slug
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, pgettext_lazy

from agency import guarding
from agency.inviting import may_invite
from agency.models import Agency, Invitation, Membership, Role, User
from agency.operating import REASON_AT_LEAST

COLLEAGUES = [(role.value, role.label) for role in (Role.ADMIN, Role.STAFF)]


class CodeForm(RequestLoginCodeForm):  # type: ignore[misc]  # allauth has no types
    """Asks for a code by e-mail; counted by `agency.guarding` instead of by allauth."""

    def clean_email(self) -> str:
        email: str = self.cleaned_data["email"]
        try:
            guarding.ask_for_code(context.request, email)
        except guarding.TooManyTries:
            context.request.too_many = True
            raise get_adapter().validation_error("too_many_login_attempts") from None
        users = filter_users_by_email(email, is_active=True, prefer_verified=True, for_login=True)
        self._user = users[0] if users else None
        return email


class InviteForm(forms.Form):
    """Whom to invite, and as what. A client is invited for one company."""

    name = forms.CharField(label=pgettext_lazy("person", "Name"), max_length=80)
    email = forms.EmailField(label=gettext_lazy("E-mail address"))
    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=Role.choices)
    company = forms.CharField(
        label=gettext_lazy("Company, for a client"),
        required=False,
        help_text=gettext_lazy("Its unified social credit code, or its whole name."),
    )
    may_consent = forms.BooleanField(
        label=gettext_lazy("May give the consent for its company"), required=False, initial=True
    )
    gets_mail = forms.BooleanField(
        label=gettext_lazy("Receives mail about its company"), required=False, initial=True
    )

    def __init__(self, *args: Any, by: Membership, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        roles = [(role, label) for role, label in Role.choices if may_invite(by, role)]
        self.fields["role"].choices = roles  # type: ignore[attr-defined]  # a choice field
        self.fields["role"].initial = Role.CLIENT

    def clean(self) -> dict[str, Any]:
        """The company is looked up in the agency; only a client has one."""
        cleaned: dict[str, Any] = super().clean() or {}
        if cleaned.get("role") != Role.CLIENT:
            return cleaned | {"company": None}
        wanted = cleaned.get("company", "").strip()
        companies = apps.get_model("companies.Company")._default_manager
        found = list(companies.filter(Q(uscc=wanted.upper()) | Q(name=wanted))[:2]) if wanted else []
        if len(found) != 1:
            self.add_error("company", _("Write the code or the whole name of one of your companies."))
        return cleaned | {"company": found[0] if len(found) == 1 else None}

    def invitation(self) -> Invitation:
        """What was filled in, not saved yet."""
        return Invitation(**self.cleaned_data)


class RoleForm(forms.Form):
    """A colleague's role."""

    role = forms.ChoiceField(label=gettext_lazy("Role"), choices=COLLEAGUES)


class RightsForm(forms.ModelForm):  # type: ignore[type-arg]  # Django has no brackets here
    """What a client may do beyond seeing."""

    class Meta:
        model = Membership
        fields = ("may_consent", "gets_mail")


class JoinForm(forms.Form):
    """The first thing a new colleague does: a password."""

    password = forms.CharField(
        label=gettext_lazy("Password"),
        min_length=12,
        strip=False,
        help_text=gettext_lazy("12 characters or more. Four words that do not belong together are good."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, invitation: Invitation, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._invitation = invitation

    def clean_password(self) -> str:
        password: str = self.cleaned_data["password"]
        validate_password(password, User(email=self._invitation.email, name=self._invitation.name))
        return password


class IdleForm(forms.ModelForm):  # type: ignore[type-arg]
    """How long an open page keeps somebody signed in."""

    class Meta:
        model = Agency
        fields = ("idle_minutes",)


class FirstAdminForm(forms.Form):
    """Whom an agency begins with."""

    admin_name = forms.CharField(label=gettext_lazy("Name of its first admin"), max_length=80)
    admin_email = forms.EmailField(label=gettext_lazy("E-mail address of its first admin"))


class AgencyForm(FirstAdminForm):
    """A new agency with its first admin."""

    field_order = ("name", "slug", "phone", "admin_name", "admin_email")

    name = forms.CharField(label=gettext_lazy("Name of the agency"), max_length=120)
    slug = forms.CharField(
        label=gettext_lazy("Short name"),
        max_length=50,
        validators=[validate_slug],
        help_text=gettext_lazy("Letters, digits, hyphens."),
    )
    phone = forms.CharField(label=gettext_lazy("Telephone"), max_length=40, required=False)


class ReasonForm(forms.Form):
    """Why the operator goes into an agency; its admins read it."""

    reason = forms.CharField(
        label=gettext_lazy("Why"),
        min_length=REASON_AT_LEAST,
        max_length=300,
        help_text=gettext_lazy("The agency's admins read this in their audit trail."),
        error_messages={
            "required": gettext_lazy("Write down why, in a sentence: the agency's admins read it.")
        },
    )
