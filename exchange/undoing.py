"""Take an import back: what it added goes, unless something was done with it since."""

from collections.abc import Collection
from datetime import datetime

from django.db import models, transaction
from django.db.models import ProtectedError, Q
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
    there = set(_ours(Referral, "pk", source.added_ids).select_for_update().values_list("pk", flat=True))
    staying = _staying(there)
    going = there.difference(*staying.values())
    _remove_referrals(list(going), by=source.undone_by, now=now)
    counts = {**{why: len(ids) for why, ids in staying.items()}, "removed": len(going)}
    source.stayed = {why: count for why, count in counts.items() if count}
    _remove_people(source)
    source.enter(Import.State.UNDONE, now=now, undone_at=now)


def _ours(model: type[models.Model], field: str, ids: Collection[int]) -> models.QuerySet:
    """The rows whose field is one of many ids; an array is quicker than a list of them all."""
    return model.objects.filter(**{f"{field}__in": RawSQL("SELECT unnest(%s::bigint[])", [list(ids)])})


def _staying(there: set[int]) -> dict[str, set[int]]:
    """Which of the referrals stay, each under the first reason that applies."""
    moved_on = _moved_on(there)
    thanked = _thanked(there) - moved_on
    return {"moved_on": moved_on, "thanked": thanked, "worked_on": _worked_on(there) - moved_on - thanked}


def _moved_on(there: set[int]) -> set[int]:
    steps = _ours(ReferralStep, "referral", there).exclude(act=ReferralStep.Act.RECEIVED)
    moved = _ours(Referral, "pk", there).exclude(status=Status.RECEIVED, withdrawn_at=None)
    return {*steps.values_list("referral_id", flat=True), *moved.values_list("pk", flat=True)}


def _thanked(there: set[int]) -> set[int]:
    links = _ours(ThankYouReferral, "referral", there).exclude(thank_you__state=ThankYou.State.UNDECIDED)
    return set(links.values_list("referral_id", flat=True))


def _worked_on(there: set[int]) -> set[int]:
    """A reminder that somebody closed, or a row of another kind."""
    closed = [Reminder.State.DONE, Reminder.State.DISMISSED]
    found = set(
        _ours(Reminder, "referral", there).filter(state__in=closed).values_list("referral_id", flat=True)
    )
    for relation in Referral._meta.related_objects:
        if not relation.many_to_many and relation.related_model not in GOES_ALONG:
            name = relation.field.name
            rows = _ours(relation.related_model, name, there)
            found.update(rows.values_list(f"{name}_id", flat=True))
    return found


def _remove_referrals(ids: list[int], *, by: Member, now: datetime) -> None:
    going = _ours(Referral, "pk", ids)
    # Withdrawn ones leave their undecided thank-you rows, and rows left empty go with them.
    going.update(withdrawn_at=now, withdrawn_by=by)
    keep_lists_true(now=now)
    for model in (ReferralStep, Reminder):
        rows = _ours(model, "referral", ids)
        rows._raw_delete(rows.db)
    going._raw_delete(going.db)


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
