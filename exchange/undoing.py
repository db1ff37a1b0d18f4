"""Take an import back: what it added goes, unless something was done with it since."""

from datetime import datetime

from django.db import models, transaction
from django.db.models import Exists, OuterRef, ProtectedError, Q
from django.db.models.expressions import RawSQL

from contacts.models import Office, Provider, Referral, ReferralStep
from contacts.models.referrals import Status
from exchange.checking import claimed
from exchange.models import Import
from practices.models import Member, Practice
from touchpoints.models import Reminder, ThankYou, ThankYouReferral
from touchpoints.thank_you_lists import keep_lists_true

# What an import's referrals bring with them by themselves; anything else that points at one is somebody's work.
GOES_ALONG = (ReferralStep, ThankYouReferral, Reminder)
UNTOUCHED_PROVIDER = Q(
    state=Provider.State.ACTIVE,
    tier=Provider.Tier.C,
    liaison=None,
    specialty=None,
    merged_into=None,
    form_of_address="",
    phone="",
    fax="",
    email="",
    preferred_contact="",
    days_in_office="",
    personal_notes="",
)
UNTOUCHED_OFFICE = Q(liaison=None, merged_into=None, street="", notes="")


@transaction.atomic
def undo(import_id: int, *, now: datetime) -> None:
    """Remove what an import added and nobody touched; again, and nothing happens."""
    source = claimed(import_id, Import.State.UNDOING)
    if source is None or source.undone_by is None:
        return
    # As thank-you lists are made: the same lock, so that none picks up what is about to go.
    Practice.objects.select_for_update(no_key=True).get(pk=source.practice_id)
    stayed = _what_stays(source)
    removed = _remove_referrals(source, by=source.undone_by, now=now)
    source.stayed = {why: count for why, count in {**stayed, "removed": removed}.items() if count}
    _remove_people(source)
    source.enter(Import.State.UNDONE, now=now, undone_at=now)


def _added(ids: list[int]) -> models.QuerySet:
    return Referral.objects.filter(pk__in=RawSQL("SELECT unnest(%s::bigint[])", [ids]))


def _moved_on() -> Q:
    later = ReferralStep.objects.filter(referral=OuterRef("pk")).exclude(act=ReferralStep.Act.RECEIVED)
    return Q(Exists(later)) | ~Q(status=Status.RECEIVED) | Q(withdrawn_at__isnull=False)


def _thanked() -> Q:
    links = ThankYouReferral.objects.filter(referral=OuterRef("pk"))
    return Q(Exists(links.exclude(thank_you__state=ThankYou.State.UNDECIDED)))


def _worked_on() -> Q:
    """A reminder that somebody closed, or a row of another kind."""
    closed = [Reminder.State.DONE, Reminder.State.DISMISSED]
    found = Q(Exists(Reminder.objects.filter(referral=OuterRef("pk"), state__in=closed)))
    for relation in Referral._meta.related_objects:
        if not relation.many_to_many and relation.related_model not in GOES_ALONG:
            rows = relation.related_model.objects.filter(**{relation.field.name: OuterRef("pk")})
            found |= Q(Exists(rows))
    return found


def _what_stays(source: Import) -> dict[str, int]:
    """By reason, the first that applies."""
    added = _added(source.added_ids)
    return {
        "moved_on": added.filter(_moved_on()).count(),
        "thanked": added.filter(~_moved_on(), _thanked()).count(),
        "worked_on": added.filter(~_moved_on(), ~_thanked(), _worked_on()).count(),
    }


def _remove_referrals(source: Import, *, by: Member, now: datetime) -> int:
    untouched = _added(source.added_ids).filter(~_moved_on(), ~_thanked(), ~_worked_on())
    ids = list(untouched.select_for_update(of=("self",)).values_list("pk", flat=True))
    going = _added(ids)
    # Withdrawn ones leave their undecided thank-you rows, and rows left empty go with them.
    going.update(withdrawn_at=now, withdrawn_by=by)
    keep_lists_true(now=now)
    for model in (ReferralStep, Reminder):
        rows = model.objects.filter(referral__in=going)
        rows._raw_delete(rows.db)
    return going._raw_delete(going.db)


def _remove_people(source: Import) -> None:
    """New providers and offices go too, where nothing else has come to hang on them."""
    source.names.filter(provider__in=source.added_provider_ids).update(provider=None, decision="")
    source.names.filter(office__in=source.added_office_ids).update(office=None, decision="")
    for provider in Provider.objects.filter(UNTOUCHED_PROVIDER, pk__in=source.added_provider_ids):
        _delete_unless_needed(provider)
    for office in Office.objects.filter(UNTOUCHED_OFFICE, pk__in=source.added_office_ids, places=None):
        _delete_unless_needed(office)


def _delete_unless_needed(row: models.Model) -> None:
    try:
        with transaction.atomic():
            row.delete()
    except ProtectedError:
        return
