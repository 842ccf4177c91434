"""The readiness list 办理条件: before the season, who lacks what, who must do it, and was he asked?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from io import BytesIO
from uuid import UUID

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext, pgettext, pgettext_lazy
from django.views.decorators.http import require_POST, require_safe

from agency import audit, letters
from agency.freshness import fresh_sign_in
from agency.people import staff_only
from agency.sending import send_file
from agency.spreadsheets import write_csv, write_xlsx
from companies.domain import asking
from companies.domain.readiness import (
    WORDS,
    Problem,
    Tally,
    check_readiness,
    tally,
    with_problems,
)
from companies.filters import CHECKS, CompanyFilter, ReadinessFilter, without_renewal
from companies.models import Ask, Company
from companies.views.listing import page_of
from companies.views.selection import back, came_from, frozen, selected
from companies.views.years import chosen_year, posted_year, years

TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
# One column a check, with what can be wrong in it.
CHECKED: dict[str, tuple[str | Promise, tuple[Problem, ...]]] = {
    "contact": (pgettext_lazy("check", "Contact"), (Problem.CONTACT_MISSING,)),
    "mobile": (pgettext_lazy("check", "Mobile"), (Problem.MOBILE_WRONG,)),
    "email": (pgettext_lazy("check", "E-mail"), (Problem.EMAIL_MISSING, Problem.EMAIL_REFUSED)),
    "card": (pgettext_lazy("check", "Card"), (Problem.CARD_MISSING,)),
    "certificate": (pgettext_lazy("check", "Certificate"), (Problem.CERTIFICATE_EXPIRED,)),
    "custody": (pgettext_lazy("check", "Card here"), (Problem.CARD_QUARANTINED, Problem.CARD_ELSEWHERE)),
    "consent": (pgettext_lazy("check", "Consent"), (Problem.CONSENT_MISSING,)),
}
# Nothing can be said of these where that is missing.
_NEEDS = {
    "mobile": Problem.CONTACT_MISSING,
    "email": Problem.CONTACT_MISSING,
    "certificate": Problem.CARD_MISSING,
    "custody": Problem.CARD_MISSING,
}


@dataclass(frozen=True)
class Cell:
    """One check of one company: `ok`, `wrong` with a word, or `open` where it depends on another."""

    state: str
    word: str | Promise


@dataclass(frozen=True)
class Checked:
    """One company of the list."""

    company: Company
    cells: list[Cell]
    problems: list[Problem]
    ask: Ask | None

    @property
    def to_do(self) -> list[str | Promise]:
        """What to do, one sentence a problem."""
        return [WORDS[problem].fix for problem in self.problems]

    @property
    def who(self) -> str | Promise:
        """Who must do it."""
        asks = [WORDS[problem].asks_company for problem in self.problems]
        if not asks:
            return ""
        if all(asks):
            return gettext_lazy("the company")
        return gettext_lazy("the company and we") if any(asks) else gettext_lazy("we")


@require_safe
@staff_only
def readiness(request: HttpRequest) -> HttpResponse:
    """The companies that are not queued yet, one column a check; the numbers above are the filter."""
    year, today = chosen_year(request.GET), timezone.localdate()
    query = _query(request.GET)
    chosen = ReadinessFilter(query, Company.objects.order_by("initials", "name"))
    others = _with(query, ready="")
    everybody = without_renewal(CompanyFilter(others, Company.objects.all()).qs, year)
    counted = tally(with_problems(everybody, year=year, on=today))
    page = page_of(chosen.qs, query.get("page"), matching=_matching(counted, str(query["ready"])))
    context = {
        "filter": chosen,
        "page": page,
        "matching": page.paginator.count,
        "rows": _checked(list(page.object_list), year),
        "checks": [heading for heading, _problems in CHECKED.values()],
        "year": year,
        "years": years(),
        "ready": query["ready"],
        "tiles": [("no", _("Not ready"), counted.not_ready), ("yes", _("Ready"), counted.ready)],
        "problems": [
            (problem, WORDS[problem].short, number)
            for problem in CHECKS
            if (number := counted.problems[problem])
        ],
        "nobody_is_ready": counted.not_ready and not counted.ready and _nobody_is_queued(year),
        "has_companies": counted.total or Company.objects.exists(),
        "query": query.urlencode(),
    }
    return render(request, "companies/readiness.html", context)


def _nobody_is_queued(year: int) -> bool:
    """Whether the year is untouched; later the list holds only who is left over, and that is no news."""
    return not Company.objects.filter(renewals__year=year).exists()


@require_safe
@staff_only
@fresh_sign_in
def export(request: HttpRequest, kind: str) -> HttpResponse:
    """The same list as a file: every company that matches, not the page alone."""
    if kind not in TYPES:
        raise Http404
    year, membership = chosen_year(request.GET), request.membership  # type: ignore[attr-defined]  # staff only
    chosen = CompanyFilter(_query(request.GET), Company.objects.order_by("initials", "name"))
    chosen.refuse_nonsense()
    audit.record("readiness_exported", membership.agency, by=membership.user, kind=kind, year=year)
    rows = _as_texts(_checked(list(chosen.qs.values_list("pk", flat=True)), year))
    name, content = _("Readiness %(year)d") % {"year": year}, BytesIO()
    if kind == "csv":
        write_csv(_headings(), rows, content)
    else:
        write_xlsx(_headings(), rows, content, name=name)
    return send_file(content.getvalue(), content_type=TYPES[kind], save_as=f"{name}.{kind}")


def _query(query: QueryDict) -> QueryDict:
    """The address, where it says nothing else about those who are not ready."""
    return query if query.get("ready") else _with(query, ready="no")


def _matching(counted: Tally, ready: str) -> int | None:
    """How many companies the filter leaves, where the tally tells it."""
    if ready in CHECKS:
        return counted.problems[Problem(ready)]
    return {"no": counted.not_ready, "yes": counted.ready}.get(ready)


def _with(query: QueryDict, **values: str) -> QueryDict:
    changed = query.copy()
    for name, value in values.items():
        changed[name] = value
    return changed


def _checked(companies: Sequence[UUID], year: int) -> list[Checked]:
    """The companies in their order. Three queries."""
    verdicts = check_readiness(companies, year=year, on=timezone.localdate())
    asks = asking.last_asked(companies, year=year)
    found = {
        company.pk: Checked(company, list(_cells(problems)), problems, asks.get(company.pk))
        for company, problems in verdicts.items()
    }
    return [found[company] for company in companies]


def _cells(problems: list[Problem]) -> Iterator[Cell]:
    for code, (_heading, possible) in CHECKED.items():
        wrong = [WORDS[problem].short for problem in possible if problem in problems]
        if wrong:
            yield Cell("wrong", wrong[0])
        elif _NEEDS.get(code) in problems:
            yield Cell("open", gettext_lazy("not known yet"))
        else:
            yield Cell("ok", gettext_lazy("in order"))


def _headings() -> list[str]:
    checks = [str(heading) for heading, _problems in CHECKED.values()]
    return [
        _("Company"),
        _("Unified social credit code"),
        _("In charge"),
        *checks,
        _("What to do"),
        pgettext("readiness list", "Who"),
        pgettext("readiness list", "Asked"),
    ]


def _as_texts(rows: Iterable[Checked]) -> Iterator[list[str]]:
    for row in rows:
        owner = row.company.owner.name if row.company.owner else ""
        asked = f"{row.ask.asked_at:%Y-%m-%d} {row.ask.contact}" if row.ask else ""
        cells = [
            "✓" if cell.state == "ok" else "–" if cell.state == "open" else str(cell.word)
            for cell in row.cells
        ]
        to_do = " ".join(map(str, row.to_do))
        yield [row.company.name, row.company.uscc, owner, *cells, to_do, str(row.who), asked]


# --- Asking -----------------------------------------------------------------------------------


@require_POST
@staff_only
def preview_ask(request: HttpRequest) -> HttpResponse:
    """Whom we would write to and for what, frozen from here on. Sends nothing."""
    year, chosen = posted_year(request.POST), frozen(request.POST) or selected(request.POST)
    if not chosen:
        messages.warning(request, _("Select at least one company first."))
        return back(request)
    plan = asking.plan(chosen, year=year, on=timezone.localdate())
    context = {
        "plan": plan,
        "year": year,
        "frozen": " ".join(str(letter.company.pk) for letter in plan.letters),
        "next": came_from(request),
        "example": plan.letters[0] if plan.letters else None,
    }
    return render(request, "companies/ask.html", context)


@require_POST
@staff_only
def carry_out_ask(request: HttpRequest) -> HttpResponse:
    """Have a worker write to the frozen selection. Sent twice, nobody gets a second mail."""
    membership, year = request.membership, posted_year(request.POST)  # type: ignore[attr-defined]  # staff only
    today = timezone.localdate()
    asked = asking.ask(
        frozen(request.POST), year=year, on=today, by=membership, origin=letters.our_address(request)
    )
    words = ngettext("%(n)d company is written to.", "%(n)d companies are written to.", len(asked))
    messages.success(request, words % {"n": len(asked)})
    return back(request)
