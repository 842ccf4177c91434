"""Which companies a list shows; the choice stands in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Exists, Func, OuterRef, Q, QuerySet, TextField
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.filtering import ListFilter, SearchFilter, YearFilter
from agency.people import colleagues_ever
from companies.domain.readiness import WORDS, Problem, has_problem, is_ready, with_problems
from companies.models import Card, CardKind, Company, Contact
from companies.views.years import chosen_year

# What no list is filtered by: see `readiness.problems_of`, and the state of the year's renewal.
_NOT_A_CHECK = (Problem.USCC_WRONG, Problem.RENEWAL_OPEN)
CHECKS = [problem for problem in Problem if problem not in _NOT_A_CHECK]
VERDICTS = [
    ("yes", pgettext_lazy("companies", "Ready, not queued yet")),
    ("no", pgettext_lazy("companies", "Not ready")),
    ("queued", pgettext_lazy("companies", "Queued for the year")),
    (_("One check"), [(str(problem), WORDS[problem].short) for problem in CHECKS]),
]


def tags() -> list[tuple[str, str]]:
    """The tags that companies of the agency carry."""
    each = Func("tags", function="unnest", output_field=TextField())
    found = Company.objects.order_by().values_list(each, flat=True).distinct()
    return [(tag, tag) for tag in sorted(found)]


def without_renewal(companies: QuerySet[Company], year: int) -> QuerySet[Company]:
    """Those that are not queued for the year."""
    return companies.filter(~_has_renewal(year))


def _has_renewal(year: int) -> Exists:
    renewals = Company._meta.get_field("renewals").related_model._default_manager
    return Exists(renewals.filter(company=OuterRef("pk"), year=year).exclude(state="cancelled"))


class CompanyFilter(ListFilter):
    """Search, readiness, tag, the staff member in charge, and certificates that end soon."""

    folded: tuple[str, ...] = ("ready", "owner", "tag", "ends")

    q = SearchFilter(method="search", label=_("Search"))
    year = YearFilter()
    ready = filters.ChoiceFilter(
        choices=VERDICTS, method="verdict", label=_("Readiness"), empty_label=_("Readiness: any")
    )
    tag = filters.ChoiceFilter(choices=tags, method="tagged", label=_("Tag"), empty_label=_("Tag: any"))
    owner = filters.ModelChoiceFilter(
        queryset=colleagues_ever,
        label=_("In charge"),
        empty_label=_("In charge: everybody"),
        null_label=_("In charge: nobody"),
    )
    ends = filters.DateFilter(method="certificate_ends", label=_("Certificate ends before"))
    sort = filters.OrderingFilter(
        fields={"initials": "name", "uscc": "uscc", "old_policy_ends_on": "ends"}, label=_("Sort by")
    )

    class Meta:
        model = Company
        fields: tuple[str, ...] = ()

    def filter_queryset(self, queryset: QuerySet[Company]) -> QuerySet[Company]:
        """A company whose data was taken away is in no list."""
        found: QuerySet[Company] = super().filter_queryset(queryset.filter(erased_at__isnull=True))
        return found

    def search(self, companies: QuerySet[Company], _name: str, value: str) -> QuerySet[Company]:
        """Name or its initials, USCC, contact or card number; each word must be found."""
        for word in value.split():
            card = Card.objects.filter(company=OuterRef("pk"), number__icontains=word)
            contact = Contact.objects.filter(
                Q(name__icontains=word) | Q(mobile__contains=word), company=OuterRef("pk")
            )
            own = Q(name__icontains=word) | Q(uscc__icontains=word) | Q(initials__contains=word.lower())
            companies = companies.filter(own | Exists(card) | Exists(contact))
        return companies

    def verdict(self, companies: QuerySet[Company], _name: str, value: str) -> QuerySet[Company]:
        """Ready and to be queued, not ready, queued already, or stopped by one check."""
        year = chosen_year(self.data)
        if value == "queued":
            return companies.filter(_has_renewal(year))
        judged = with_problems(without_renewal(companies, year), year=year, on=timezone.localdate())
        if value == "yes":
            return judged.filter(is_ready())
        return judged.exclude(is_ready()) if value == "no" else judged.filter(has_problem(Problem(value)))

    def tagged(self, companies: QuerySet[Company], _name: str, value: str) -> QuerySet[Company]:
        """Companies that carry this tag."""
        return companies.filter(tags__contains=[value])

    def certificate_ends(self, companies: QuerySet[Company], _name: str, value: Any) -> QuerySet[Company]:
        """Companies with a legal-person card whose certificate ends before this day."""
        cards = Card.objects.filter(company=OuterRef("pk"), kind=CardKind.LEGAL_PERSON, valid_until__lt=value)
        return companies.filter(Exists(cards))


class ReadinessFilter(CompanyFilter):
    """The same where the numbers above the list choose the check."""

    folded = ("owner", "tag")
