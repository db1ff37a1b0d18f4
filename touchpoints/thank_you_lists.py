"""The weekly thank-you list: made once per physician and week, kept true while undecided.

Everything is set-based and runs inside one practice's scope, under a lock on its row: however often a job runs,
crashes or overlaps, the unique keys and this lock leave one list, one row, one link.
"""

from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import Count, Exists, F, OuterRef, Q, QuerySet

from contacts.models import Provider, Referral
from practices.isolation import entered_practice_id
from practices.models import Member, Practice
from practices.weeks import Week, due_week
from touchpoints.models import ThankYou, ThankYouList, ThankYouReferral
from touchpoints.thank_you_acts import settle_lists


class WeekNotEnded(Exception):
    """A list is made of a week that has wholly ended."""


def make_due_thank_you_lists(*, now: datetime) -> int:
    """What the tick asks for: every week whose hour has struck, and what changed since. Returns lists made."""
    practice = Practice.objects.get(pk=entered_practice_id())
    week = due_week(now, practice.zone, practice.list_weekday, practice.list_hour)
    return make_thank_you_lists(week=week, now=now)


@transaction.atomic
def make_thank_you_lists(*, week: Week, now: datetime) -> int:
    """Make the lists of `week` and of each earlier week since `starts_on` that has none; returns how many.

    Weeks made before are kept true: late referrals join, withdrawn ones leave. Raises WeekNotEnded.
    """
    practice = Practice.objects.select_for_update(no_key=True).get(pk=entered_practice_id())
    if not week.has_ended(practice.today(now)):
        raise WeekNotEnded(str(week))
    keep_lists_true(now=now)
    made = 0
    for missing in _weeks_to_make(practice, through=week):
        made += _make_week(practice, missing, now)
        practice.lists_made_through = missing.monday
    practice.save(update_fields=["lists_made_through"])
    return made


@transaction.atomic
def keep_lists_true(*, now: datetime) -> None:
    """On undecided rows: what was withdrawn, moved or renamed leaves; what was logged late joins."""
    moved = ThankYouReferral.objects.filter(_no_longer_belongs(), thank_you__state=ThankYou.State.UNDECIDED)
    if moved.exists():
        touched = list(moved.values_list("thank_you__list_id", flat=True).distinct())
        moved.delete()
        empty = ThankYou.objects.undecided().filter(list__in=touched)
        empty.filter(~Exists(ThankYouReferral.objects.filter(thank_you=OuterRef("pk")))).delete()
        settle_lists(ThankYouList.objects.filter(pk__in=touched), now=now)
    settle_lists(_said_wrongly_reviewed(), now=now)
    _join_late(Practice.objects.get(pk=entered_practice_id()))


def _said_wrongly_reviewed() -> QuerySet[ThankYouList]:
    """Merging two providers folds an undecided row into another, and undoing that brings it back."""
    undecided = ThankYou.objects.undecided().filter(list=OuterRef("pk"))
    lists = ThankYouList.objects.alias(is_open=Exists(undecided))
    return lists.filter(Q(reviewed_at=None, is_open=False) | Q(reviewed_at__isnull=False, is_open=True))


def gathering(physician: Member, *, today: date) -> QuerySet[Provider]:
    """The current week as it gathers, read-only: providers with `count` referrals to this physician."""
    week = Week.of(today)
    mine = Q(
        referrals__physician=physician,
        referrals__withdrawn_at=None,
        referrals__received_on__gte=max(week.monday, physician.practice.starts_on),
        referrals__received_on__lte=today,
    )
    return Provider.objects.active().annotate(count=Count("referrals", filter=mine)).filter(count__gt=0)


def _weeks_to_make(practice: Practice, *, through: Week) -> list[Week]:
    week = Week.of(practice.starts_on)
    if practice.lists_made_through:
        week = max(week, Week(practice.lists_made_through).next())
    weeks = []
    while week <= through:
        weeks.append(week)
        week = week.next()
    return weeks


def _no_longer_belongs() -> Q:
    """A link whose referral is withdrawn, or is now another provider's, physician's or a later week's."""
    return (
        Q(referral__withdrawn_at__isnull=False)
        | ~Q(referral__provider=F("thank_you__provider"))
        | Q(referral__physician=None)
        | ~Q(referral__physician=F("thank_you__list__physician"))
        | ~Q(referral__provider__state=Provider.State.ACTIVE)
        | Q(referral__received_on__gt=F("thank_you__list__week_starts_on") + 6)
    )


# Referrals that are on no list and may be on one. Inactive providers' wait: thanking the dead is worse than silence.
UNLISTED = """
    FROM contacts_referral r
    JOIN contacts_provider p ON p.practice_id = r.practice_id AND p.id = r.provider_id
        AND p.state = 'active' AND p.merged_into_id IS NULL
    WHERE r.practice_id = %(practice)s AND r.physician_id IS NOT NULL AND r.withdrawn_at IS NULL
        AND r.received_on BETWEEN %(starts_on)s AND %(sunday)s
        AND NOT EXISTS (SELECT FROM touchpoints_thankyoureferral l
                        WHERE l.practice_id = r.practice_id AND l.referral_id = r.id)
"""
INSERT_LISTS = f"""
    INSERT INTO touchpoints_thankyoulist (practice_id, physician_id, week_starts_on, made_at)
    SELECT DISTINCT r.practice_id, r.physician_id, %(monday)s::date, %(now)s::timestamptz {UNLISTED}
    ON CONFLICT DO NOTHING
"""
INSERT_ROWS = f"""
    INSERT INTO touchpoints_thankyou (practice_id, list_id, provider_id, state, personal_line, skip_reason)
    SELECT r.practice_id, t.id, r.provider_id, 'undecided', '', ''
    FROM touchpoints_thankyoulist t JOIN (SELECT DISTINCT r.practice_id, r.physician_id, r.provider_id {UNLISTED}) r
        ON t.practice_id = r.practice_id AND t.physician_id = r.physician_id
    WHERE t.week_starts_on = %(monday)s::date
    ON CONFLICT DO NOTHING
"""  # noqa: S608  # built of constants
INSERT_LINKS = f"""
    INSERT INTO touchpoints_thankyoureferral (practice_id, thank_you_id, referral_id)
    SELECT r.practice_id, y.id, r.id
    FROM touchpoints_thankyoulist t
    JOIN touchpoints_thankyou y ON y.practice_id = t.practice_id AND y.list_id = t.id AND y.state = 'undecided'
    JOIN (SELECT r.practice_id, r.physician_id, r.provider_id, r.received_on, r.id {UNLISTED}) r
        ON t.practice_id = r.practice_id AND t.physician_id = r.physician_id AND y.provider_id = r.provider_id
    WHERE t.week_starts_on = %(week)s
    ON CONFLICT DO NOTHING
"""  # noqa: S608  # built of constants
LINK_WEEK = INSERT_LINKS.replace("%(week)s", "%(monday)s::date")
LINK_LATE = INSERT_LINKS.replace("%(week)s", "date_trunc('week', r.received_on)::date")


def _make_week(practice: Practice, week: Week, now: datetime) -> int:
    values: dict[str, Any] = {
        "practice": practice.pk,
        "starts_on": practice.starts_on,
        "monday": week.monday,
        "sunday": week.sunday,
        "now": now,
    }
    with connection.cursor() as cursor:
        cursor.execute(INSERT_LISTS, values)
        made = cursor.rowcount
        cursor.execute(INSERT_ROWS, values)
        cursor.execute(LINK_WEEK, values)
    return made


def _join_late(practice: Practice) -> None:
    """A referral logged late joins its provider's undecided row of its own week; others wait for the next list."""
    if practice.lists_made_through is None:
        return
    sunday = Week(practice.lists_made_through).sunday
    with connection.cursor() as cursor:
        cursor.execute(
            LINK_LATE, {"practice": practice.pk, "starts_on": practice.starts_on, "sunday": sunday}
        )


def referrals_on_no_list(practice: Practice) -> QuerySet[Referral]:
    """Standing referrals of made weeks that wait: no provider or physician yet, or an inactive provider."""
    if practice.lists_made_through is None:
        return Referral.objects.none()
    linked = ThankYouReferral.objects.filter(referral=OuterRef("pk"))
    made = Referral.objects.standing().filter(
        received_on__gte=practice.starts_on, received_on__lte=Week(practice.lists_made_through).sunday
    )
    return made.filter(~Exists(linked))
