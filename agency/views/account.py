"""A person's own things that allauth has no page for, or not all of it."""

from __future__ import annotations

from allauth.account.views import ConfirmLoginCodeView
from django.contrib.auth.decorators import login_required
from django.forms import Form
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from agency.middleware import CHOSEN_AGENCY
from agency.people import memberships_of
from agency.signing_in import record_failure


class ConfirmCode(ConfirmLoginCodeView):  # type: ignore[misc]  # allauth has no types
    """The code that came by e-mail. A wrong one is told in the trail, as a wrong password is."""

    def form_invalid(self, form: Form) -> HttpResponse:
        record_failure(self._process.state.get("email") or "", how="code")
        response: HttpResponse = super().form_invalid(form)
        return response


@require_POST
@login_required
def choose_agency(request: HttpRequest) -> HttpResponse:
    """Work for another of the person's agencies from here on."""
    wanted = request.POST.get("agency", "")
    if wanted not in {str(one.agency_id) for one in memberships_of(request.user)}:  # type: ignore[arg-type]
        raise Http404
    request.session[CHOSEN_AGENCY] = wanted
    return redirect("home")
