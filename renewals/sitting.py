"""One sitting at a desk: whose card is in, and everything that waits for that card."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from uuid import UUID

import structlog
from django.conf import settings

from agency.tenancy import scope
from companies.models import Card
from portal_driver.control import CardControl
from portal_driver.errors import PersonNeeded, PortalUnavailable
from renewals import drivers
from renewals.domain import claiming, desks, pins, portals
from renewals.domain.desks import Notice
from renewals.driving import drive
from renewals.models import Desk, Run

log = structlog.get_logger()

CONTROL_TIMEOUT_S = 5.0


def sit(agency: UUID, desk_id: UUID) -> None:
    """Work through what waits for the card in this desk's reader, one renewal after another.

    Returns at once when another worker sits at the desk or the desk is paused. Leaves a notice
    for the person at the reader. Raises `WrongPortal` before anything is taken up.
    """
    with scope(agency):
        portals.portal_for(agency)
        desk = Desk.objects.filter(pk=desk_id).first()
        if desk is None or not claiming.begin_sitting(desk):
            return
    notice = Notice.CONTROL_UNREACHABLE
    try:
        notice = _work(desk)
    finally:
        with scope(agency):
            claiming.end_sitting(desk, notice=notice)


def _work(desk: Desk) -> Notice:
    try:
        # Where a card tells nothing without a PIN, staff have said which one is in.
        number = card_number(desk.control) if desk.reads_cards else desk.card_number
    except PortalUnavailable:
        return Notice.CONTROL_UNREACHABLE
    if not (number or desk.reads_cards):
        return Notice.SAY_WHICH
    with scope(desk.agency_id):
        desks.card_seen(desk, number)
        card = desks.card_in(number)
        refusal = desks.refusal(card)
    if card is None or refusal is not None:
        return refusal or Notice.UNKNOWN_CARD
    runs = 0
    while run := _claim(card, desk):
        runs += 1
        drive(run, card, desk)
    if runs:
        drivers.make_ready(desk.pk)  # the next card is about to come
    with scope(desk.agency_id):
        return desks.why_nothing_runs(card, desk) or (Notice.TAKE_OUT if runs else Notice.NOTHING_WAITS)


def _claim(card: Card, desk: Desk) -> Run | None:
    with scope(desk.agency_id):
        # A card that was put into quarantine by the run before is left alone, and so is a desk
        # that another worker has taken or that was paused.
        if desks.refusal(desks.card_in(card.number)) is not None or not claiming.may_go_on(desk):
            return None
        # Without a PIN the run would stop at the sign-in: a person is asked for it first.
        if not pins.is_at_hand(card, desk):
            return None
        return claiming.claim_for_card(card, desk=desk, worker=_worker(), profile=settings.PORTAL_PROFILE)


def card_number(control: str) -> str:
    """The number of the card in the reader, read without a PIN; empty for none.

    Raises `PortalUnavailable` when the control does not answer.
    """
    try:
        return asyncio.run(_read(control))
    except PersonNeeded:
        return ""


async def _read(control: str) -> str:
    async with CardControl.at(control, timeout_s=CONTROL_TIMEOUT_S) as open_control:
        return await open_control.read_number()


def _worker() -> str:
    return f"{socket.gethostname()}:{os.getpid()}:{threading.get_ident()}"
