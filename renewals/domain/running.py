"""What a run says on its way: which stage it works on, how long it waits, whom the portal let in."""

from __future__ import annotations

from portal_driver import contract
from renewals.domain.claiming import hold
from renewals.domain.pins import pin_accepted
from renewals.domain.stages import begin_stage
from renewals.domain.story import tell, touch
from renewals.models import Run


def note(run: Run, event: contract.Message) -> None:
    """Write down an event that decides nothing. Raises `EpochLost`."""
    renewal = hold(run)
    match event:
        case contract.Started(profile_sha256=digest):
            Run.objects.filter(pk=run.pk).update(profile_sha256=digest)
        case contract.CardRead():
            tell(renewal, "card_read", run=run, number=event.number, valid_until=event.valid_until)
        case contract.SignedIn():
            pin_accepted(run)
            tell(renewal, "signed_in", run=run)
        case contract.StageBegun(stage=stage):
            Run.objects.filter(pk=run.pk).update(doing={"what": f"stage_{stage}"})
            begin_stage(renewal, stage)
        case contract.Waiting():
            doing = {"what": event.what, "seconds": event.seconds, "of": event.of}
            Run.objects.filter(pk=run.pk).update(doing=doing)
            touch(renewal)
