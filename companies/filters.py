"""Which companies a list shows; the choice stands in the address."""

from __future__ import annotations

from typing import Any

import django_filters as filters
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils.translation import gettext_lazy as _

from agency.models import Membership, Role, User
from companies.models import Card, Company, Contact


def colleagues(request: Any = None) -> QuerySet[User]:
    """Admins and staff of the current agency."""
    working = Membership.objects.filter(role__in=[Role.ADMIN, Role.STAFF])
    return User.objects.filter(pk__in=working.values("user_id")).order_by("name")


class CompanyFilter(filters.FilterSet):  # type: ignore[misc]  # django-filter has no types
    """Search, region, and the staff member in charge."""

    q = filters.CharFilter(method="search", label=_("Search"))
    region = filters.CharFilter(lookup_expr="icontains", label=_("Region"))
    owner = filters.ModelChoiceFilter(
        queryset=colleagues, label=_("In charge"), empty_label=_("In charge: everybody")
    )
    sort = filters.OrderingFilter(
        fields={"name": "name", "uscc": "uscc", "old_policy_ends_on": "ends"}, label=_("Sort by")
    )

    class Meta:
        model = Company
        fields: tuple[str, ...] = ()

    def filter_queryset(self, queryset: QuerySet[Company]) -> QuerySet[Company]:
        """A company whose data was taken away is in no list."""
        found: QuerySet[Company] = super().filter_queryset(queryset.filter(erased_at__isnull=True))
        return found

    def search(self, companies: QuerySet[Company], _name: str, value: str) -> QuerySet[Company]:
        """Name, USCC, contact or card number; each word must be found."""
        for word in value.split():
            card = Card.objects.filter(company=OuterRef("pk"), number__icontains=word)
            contact = Contact.objects.filter(
                Q(name__icontains=word) | Q(mobile__contains=word), company=OuterRef("pk")
            )
            companies = companies.filter(
                Q(name__icontains=word) | Q(uscc__icontains=word) | Exists(card) | Exists(contact)
            )
        return companies
