"""One PIN, one use: recorded before it is typed, and never tried again by the machine.

What cards are issued with (eight 8s, eight 0s) is never used, however it came here.

A used grant whose result is missing counts as refused. In both cases the card goes into
quarantine until a person lifts it.
"""

from __future__ import annotations

from datetime import timedelta

from django.db.models import QuerySet
from django.db.models.functions import Now

from agency import audit
from agency.models import User
from agency.sealing import seal, seals, unseal
from companies.domain.cards import is_issued, quarantine, refuse_issued, vault_pin
from companies.models import Card
from portal_driver.contract import Reason
from renewals.domain.claiming import hold
from renewals.domain.story import tell
from renewals.models import Desk, PinGrant, PinResult, Run
from renewals.reasons import EngineReason

GRANT_LASTS = timedelta(minutes=10)
_REFUSALS: dict[str, PinResult] = {
    Reason.PIN_REFUSED: PinResult.REFUSED,
    Reason.CARD_LOCKED: PinResult.REFUSED,
    Reason.SIGN_IN_UNCLEAR: PinResult.UNCLEAR,
}


def grant_pin(card: Card, *, desk: Desk, pin: str, by: User) -> PinGrant:
    """A person allows this PIN to be typed once, at this desk, for this card, within ten minutes.

    It takes the place of an earlier grant that was not used, also of one that is being written this
    moment: a form sent twice. Raises `IssuedPin`.
    """
    refuse_issued(pin)
    Card.objects.select_for_update(no_key=True).get(pk=card.pk)
    PinGrant.objects.filter(card=card, desk=desk, used_at__isnull=True).delete()
    grant = PinGrant(
        agency_id=card.agency_id, card=card, desk=desk, granted_by=by, expires_at=Now() + GRANT_LASTS
    )
    grant.sealed_pin = seal(pin, bound_to=_place(grant))
    grant.save()
    audit.record("pin_granted", card, by=by, desk=desk.name)
    return grant


def is_at_hand(card: Card, desk: Desk) -> bool:
    """Whether a run at this desk would find a PIN: typed for it and not used yet, or in the vault."""
    return _typed(card, desk).exists() or Card.objects.filter(pk=card.pk, sealed_pin__isnull=False).exists()


def use_pin(run: Run, card: Card) -> str | None:
    """The PIN for this run, or None. Its use is written down; commit before it is typed.

    What somebody typed for this desk comes first, then the vault. None for a card in quarantine,
    None when this run had its one PIN already, and None where the vault holds a PIN that cards are
    issued with (stored before such were refused). Raises `EpochLost`.
    """
    renewal = hold(run)
    card = Card.objects.select_for_update().get(pk=card.pk)
    if card.is_quarantined:
        # Put there while this run began: "there is no PIN" would send people the wrong way.
        Run.objects.filter(pk=run.pk).update(reason=EngineReason.CARD_QUARANTINED)
        return None
    if run.pin_grants.exists() or _has_open_use(card):
        return None
    grant = _typed(card, run.desk).first()
    pin = _open(grant) if grant else vault_pin(card)
    if pin is None or is_issued(pin):
        return None
    if grant is None:
        grant = PinGrant(
            agency_id=card.agency_id,
            card=card,
            desk=run.desk,
            from_vault=True,
            expires_at=Now() + GRANT_LASTS,
        )
    grant.run, grant.used_at, grant.sealed_pin = run, Now(), None
    grant.save()
    tell(renewal, "pin_used", run=run, from_vault=grant.from_vault)
    audit.record("pin_used", card, by=None, from_vault=grant.from_vault, run=str(run.pk))
    return pin


def pin_accepted(run: Run) -> None:
    """The portal let the card in."""
    run.pin_grants.filter(used_at__isnull=False, result="").update(result=PinResult.ACCEPTED)


def judge_pin(run: Run, reason: str, *, untouched: bool) -> str:
    """The run is over: a PIN that the portal did not accept puts its card into quarantine.

    Where nobody knows what the card made of the PIN, it counts as refused; `untouched` is the driver's
    word that it was not typed. Returns why the card is in quarantine now, or nothing.
    """
    result = _REFUSALS.get(reason, PinResult.UNCLEAR)
    grant = run.pin_grants.select_related("card").filter(used_at__isnull=False, result="").first()
    if grant is None:
        return ""
    if untouched:
        PinGrant.objects.filter(pk=grant.pk).update(result=PinResult.NOT_TYPED)
        return ""
    why = reason if reason in _REFUSALS else Reason.SIGN_IN_UNCLEAR
    PinGrant.objects.filter(pk=grant.pk).update(result=result)
    quarantine(grant.card, reason=why)
    return why


def _typed(card: Card, desk: Desk) -> QuerySet[PinGrant]:
    """What somebody typed for this card at this desk, while it may still be used."""
    return PinGrant.objects.filter(card=card, desk=desk, used_at__isnull=True, expires_at__gt=Now())


def _has_open_use(card: Card) -> bool:
    """Whether a PIN of this card was handed out and nobody knows yet what became of it.

    That run's end decides it; until then another PIN on the same card would be a second try.
    """
    return PinGrant.objects.filter(card=card, used_at__isnull=False, result="").exists()


def _open(grant: PinGrant) -> str:
    return unseal(bytes(grant.sealed_pin or b""), bound_to=_place(grant))


def _place(grant: PinGrant) -> str:
    """Where a granted PIN belongs: moved to another grant, desk or card it does not open."""
    return f"pin_grant:{grant.agency_id}:{grant.pk}:{grant.card_id}:{grant.desk_id}"


seals(PinGrant, "sealed_pin", _place)
