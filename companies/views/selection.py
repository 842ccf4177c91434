"""Which companies a form is about: the ticked ones, or all that match; and frozen once they were shown."""

from __future__ import annotations

from collections.abc import Iterable
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponseRedirect, QueryDict
from django.shortcuts import redirect
from django.utils.http import url_has_allowed_host_and_scheme

from companies.filters import CompanyFilter
from companies.models import Company


def selected(posted: QueryDict) -> list[UUID]:
    """The companies that were ticked on the page, or all that match the page's filters.

    Raises `Http404` for filters that nobody understands.
    """
    if posted.get("scope") == "matching":
        chosen = CompanyFilter(QueryDict(posted.get("query", "")), Company.objects.all())
        chosen.refuse_nonsense()
        return list(chosen.qs.order_by().values_list("pk", flat=True))
    return uuids(posted.getlist("company"))


def frozen(posted: QueryDict) -> list[UUID]:
    """The selection as it was shown, in one field: forms have a limit on fields."""
    return uuids(posted.get("frozen", "").split())


def uuids(texts: Iterable[str]) -> list[UUID]:
    """The ids among these texts. Raises `Http404` for anything else."""
    try:
        return [UUID(text) for text in texts]
    except ValueError:
        raise Http404 from None


def came_from(request: HttpRequest) -> str:
    """Where the form says that the person came from; empty for what is no page of ours."""
    there = request.POST.get("next", "")
    return there if url_has_allowed_host_and_scheme(there, {request.get_host()}) else ""


def back(request: HttpRequest, otherwise: str = "companies:list") -> HttpResponseRedirect:
    """To where the form says that the person came from, else to the page of this name."""
    there = came_from(request)
    return HttpResponseRedirect(there) if there else redirect(otherwise)
