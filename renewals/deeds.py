"""What staff do with one renewal, as pages offer it: the words, what is asked for, and what is done."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _
from django.utils.translation import pgettext_lazy

from agency.models import User
from companies.domain.cards import lift_quarantine
from companies.domain.contacts import correct_contact
from renewals.domain import attention, by_hand, colleagues
from renewals.domain.matters import close_matters
from renewals.fitting import Do
from renewals.forms import AgainForm, AssignForm, CommentForm, ContactForm, ProofForm, WhyForm
from renewals.models import Renewal, StageName


@dataclass(frozen=True)
class Deed:
    """One act: its name, what it will do, the form that it asks for (None where a press is enough).

    `says` is read before, `done` after. `stays` leaves the person where he is instead of opening the
    next item.
    """

    do: Do
    label: str | Promise
    says: str | Promise
    done: str | Promise
    carry_out: Callable[[Renewal, User, dict[str, Any]], object]
    form: type[forms.Form] | None = None
    icon: str = "check"
    stays: bool = False
    is_final: bool = False

    def blank(self, renewal: Renewal, data: Any = None, **initial: Any) -> forms.Form | None:
        """The form to fill in, or as it was sent; None where there is none."""
        if self.form is None:
            return None
        return self.form(data, initial=initial, auto_id=f"{self.do}-%s", renewal=renewal)  # type: ignore[call-arg]


def _correct(renewal: Renewal, by: User, words: dict[str, Any]) -> None:
    attention.retry(renewal, by=by)  # first: where that is not possible the contact stays as it is
    correct_contact(renewal.company, **words, by=by)


def _lift(renewal: Renewal, by: User, words: dict[str, Any]) -> None:
    attention.retry(renewal, by=by, why=words["why"])  # first: where that is not possible the card stays
    for card in renewal.company.cards.filter(quarantined_at__isnull=False):
        lift_quarantine(card, by=by, why=words["why"])


def _again(renewal: Renewal, by: User, words: dict[str, Any]) -> None:
    attention.retry_stage(renewal, StageName(words["stage"]), by=by, why=words["why"], as_of=words["as_of"])


_RETRY_SAYS = _("Back into the queue: the next run reads the portal first and does only what is left.")

DEEDS: dict[str, Deed] = {
    deed.do: deed
    for deed in (
        Deed(
            Do.RETRY,
            pgettext_lazy("act", "Retry"),
            _RETRY_SAYS,
            _("%(company)s is back in the queue."),
            lambda renewal, by, _words: attention.retry(renewal, by=by),
            icon="rotate-ccw",
        ),
        Deed(
            Do.LIFT,
            pgettext_lazy("act", "Lift the quarantine and retry"),
            _(
                "Only once the company has told you the right PIN or had the card unlocked: a wrong one "
                "costs another try. The PIN in the vault is dropped; the desk asks for the new one."
            ),
            _("The card of %(company)s may be used again, and it is back in the queue."),
            _lift,
            WhyForm,
            icon="shield-check",
        ),
        Deed(
            Do.GIVE_BACK,
            pgettext_lazy("act", "Give it back"),
            _RETRY_SAYS,
            _("%(company)s is back in the queue."),
            lambda renewal, by, _words: by_hand.give_back(renewal, by=by),
            icon="rotate-ccw",
        ),
        Deed(
            Do.CORRECT,
            pgettext_lazy("act", "Correct the contact and retry"),
            _("The portal is told this contact at the next run."),
            _("The contact of %(company)s is corrected, and it is back in the queue."),
            _correct,
            ContactForm,
            icon="user-pen",
        ),
        Deed(
            Do.DONE,
            pgettext_lazy("act", "Done on the portal"),
            _(
                "At the next run the driver reads the portal before anything else. It presses nothing again "
                "unless two readings show that it was not done."
            ),
            _("Noted. The portal is read when the card of %(company)s is next at a desk."),
            lambda renewal, by, words: by_hand.done_by_hand(
                renewal, StageName(words["stage"]), by=by, proof=words["proof"]
            ),
            ProofForm,
            icon="check-check",
        ),
        Deed(
            Do.AGAIN,
            pgettext_lazy("act", "Do this step again"),
            _(
                "Only where you have seen on the portal that the click took no effect. The next run still "
                "reads the portal first."
            ),
            _("%(company)s is back in the queue, and the step is done again."),
            _again,
            AgainForm,
            icon="repeat",
            is_final=True,
        ),
        Deed(
            Do.REFUSE,
            pgettext_lazy("act", "Close as refused"),
            _(
                "Nobody tries again this year, and the company reads that its application was not accepted. "
                "Retry takes it up again."
            ),
            _("%(company)s is closed as refused."),
            lambda renewal, by, words: attention.refuse(renewal, by=by, why=words["why"]),
            WhyForm,
            icon="circle-x",
            is_final=True,
        ),
        Deed(
            Do.CLOSE,
            pgettext_lazy("act", "Done"),
            _("It leaves the list. The renewal goes on as before."),
            _("Settled: %(company)s."),
            lambda renewal, by, words: close_matters(
                renewal, by=by, why=words["why"], reason=words.get("reason", "")
            ),
            WhyForm,
            icon="check",
        ),
        Deed(
            Do.TAKE_OVER,
            pgettext_lazy("act", "Take over"),
            _(
                "No run begins, and one under way stops before its next click that cannot be undone. You do "
                "it by hand on the portal, and then say what is done or give it back."
            ),
            _("You have taken over %(company)s."),
            lambda renewal, by, _words: by_hand.take_over(renewal, by=by),
            icon="hand",
            stays=True,
        ),
        Deed(
            Do.ASSIGN,
            pgettext_lazy("act", "Assign"),
            "",
            _("%(company)s is handed over."),
            lambda renewal, by, words: colleagues.assign(renewal, words["person"], by=by),
            AssignForm,
            icon="user-check",
        ),
        Deed(
            Do.COMMENT,
            pgettext_lazy("act", "Comment"),
            "",
            _("The comment is written."),
            lambda renewal, by, words: colleagues.comment(renewal, words["text"], by=by),
            CommentForm,
            icon="message-square",
            stays=True,
        ),
    )
}


@dataclass(frozen=True)
class Offer:
    """An act that fits, with the form that it asks for."""

    deed: Deed
    form: forms.Form | None
    is_open: bool = False


def offers(
    renewal: Renewal, fitting: tuple[Do, ...], contact: dict[str, str] | None = None, *, opens: bool = True
) -> list[Offer]:
    """These acts, the usual one first; its form stands open where `opens`."""
    return [
        Offer(DEEDS[do], DEEDS[do].blank(renewal, **(contact or {})), is_open=opens and place == 0)
        for place, do in enumerate(fitting)
    ]
