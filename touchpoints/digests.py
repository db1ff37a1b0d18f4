"""The digest: what is due for a member, by mail, one a day at most. Counts and names of providers; no patient."""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta

from django.conf import settings
from django.db.models import Count, Max, Q, QuerySet
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Referral
from practices.digest_wishes import DAY_KEPT_FOR, awaiting_digest, new_unsubscribe_link, settle_days
from practices.isolation import entered_practice_id
from practices.models import Digest, Member, Practice
from practices.outbox import queue_mail
from practices.weeks import Week
from touchpoints.models import Reminder, ThankYouList
from touchpoints.reminder_pages import due_in_words
from touchpoints.thank_you_pages import ListLine, with_progress

SHOWN = 12
USEFUL_FOR = timedelta(days=1)  # the next one says what is still due


@dataclass(frozen=True)
class DueLine:
    """A reminder in its own words, and since when it is due."""

    text: str
    due: str


@dataclass
class Letter:
    """What one member is told on one day."""

    practice: Practice
    due_count: int = 0
    overdue_count: int = 0
    due: list[DueLine] = field(default_factory=list)
    lists: list[ListLine] = field(default_factory=list)
    week: list[str] = field(default_factory=list)

    @property
    def says_something(self) -> bool:
        return bool(self.due_count or self.lists or self.week)

    @property
    def unnamed(self) -> int:
        """How many more are due than the letter names."""
        return self.due_count - len(self.due)

    @property
    def subject(self) -> str:
        words = {"practice": self.practice.name, "n": self.due_count}
        if self.due_count:
            due = ngettext(
                "%(practice)s: %(n)d reminder is due", "%(practice)s: %(n)d reminders are due", self.due_count
            )
            return due % words
        if self.lists:
            return _("%(practice)s: your thank-you list is ready") % words
        return _("%(practice)s: the week behind us") % words

    @property
    def opens(self) -> tuple[str, str]:
        """The one link: where the first of it is done, and what to call that."""
        if self.due_count:
            return settings.SITE_URL + reverse("reminders"), _("Open the reminders")
        if self.lists:
            return settings.SITE_URL + reverse("thank_you"), _("Open the list")
        return settings.SITE_URL + reverse("home"), _("Open the practice's day")


def make_due_digests(*, now: datetime) -> int:
    """What the tick asks for: a letter to each member whose hour has struck today. Returns how many were written.

    The day is settled with or without a letter: what falls due after the hour waits for tomorrow's. Without a
    mail server nothing is written, for nobody could read it on its day.
    """
    if not settings.EMAIL_URL:
        return 0
    practice = Practice.objects.get(pk=entered_practice_id())
    if not awaiting_digest(practice, now=now).exists():
        return 0
    return sum(_write(member, now=now) for member in settle_days(practice.pk, now=now))


def letter_to(member: Member, *, today: date) -> Letter:
    """What is due for this member, and a list that became ready; on Mondays also the weekly news."""
    mine = Reminder.objects.due_on(today).filter(member=member)
    counts = mine.aggregate(due=Count("pk"), overdue=Count("pk", filter=Q(due_on__lt=today)))
    letter = Letter(member.practice, due_count=counts["due"], overdue_count=counts["overdue"])
    if letter.due_count:
        first = mine.values_list("reason", "due_on").order_by("due_on", "pk")[:SHOWN]
        letter.due = [DueLine(reason, due_in_words(due_on, today)) for reason, due_on in first]
    is_monday = today.weekday() == 0
    if is_monday and member.is_manager:
        letter.week = _week_of_practice(today)
    letter.lists = _lists_to_review(member, made_since=None if is_monday else _last_told(member, today))
    return letter


def _last_told(member: Member, today: date) -> datetime:
    """When the member's last digest before today was due; without one, when its record would be forgotten."""
    last = Digest.objects.filter(member=member, day__lt=today).aggregate(day=Max("day"))["day"]
    hour = time(member.digest_hour, tzinfo=member.practice.zone)
    return datetime.combine(last or today - DAY_KEPT_FOR, hour)


def _write(member: Member, *, now: datetime) -> bool:
    letter = letter_to(member, today=member.practice.today(now))
    if not letter.says_something:
        return False
    link = new_unsubscribe_link(member, now=now)
    url, label = letter.opens
    context = {"letter": letter, "member": member, "url": url, "label": label, "unsubscribe_url": link}
    queue_mail(
        to=member.user.email,
        subject=letter.subject,
        text=render_to_string("touchpoints/email/digest.txt", context),
        html=render_to_string("touchpoints/email/digest.html", context),
        practice=member.practice,
        headers={"Auto-Submitted": "auto-generated"},  # no answer that somebody is on leave
        unsubscribe_link=link,
        useful_until=now + USEFUL_FOR,
        now=now,
    )
    return True


def _lists_to_review(member: Member, *, made_since: datetime | None) -> list[ListLine]:
    if not member.is_physician:
        return []
    mine = ThankYouList.objects.to_review().filter(physician=member)
    lists = with_progress(mine.filter(made_at__gte=made_since) if made_since else mine)
    return [ListLine.of(one) for one in lists.order_by("-week_starts_on")]


def _week_of_practice(today: date) -> list[str]:
    """What the manager's Monday begins with: last week's referrals, lists still open, who has fallen behind."""
    return [*_received(Week.of(today).previous()), *_open_lists(), *_overdue(today)]


def _received(week: Week) -> list[str]:
    count, before = _received_in(week).count(), _received_in(week.previous()).count()
    if not count and not before:
        return []
    came = ngettext(
        "%(n)d referral came in last week, %(before)d the week before.",
        "%(n)d referrals came in last week, %(before)d the week before.",
        count,
    )
    return [came % {"n": count, "before": before}]


def _received_in(week: Week) -> QuerySet[Referral]:
    return Referral.objects.standing().filter(received_on__range=(week.monday, week.sunday))


def _open_lists() -> list[str]:
    found = with_progress(ThankYouList.objects.filter(finished_at=None))
    lines = [ListLine.of(one) for one in found.order_by("-week_starts_on", "physician__user__name")]
    said = _("Thank-you list of %(name)s, %(week)s: %(left)s.")
    named = [
        said % {"name": one.physician, "week": one.week_words, "left": one.what_is_left}
        for one in lines[:SHOWN]
    ]
    more = len(lines) - len(named)
    words = ngettext("%(n)d more list is open.", "%(n)d more lists are open.", more) % {"n": more}
    return [*named, words] if more else named


def _overdue(today: date) -> list[str]:
    late = Reminder.objects.due_on(today - timedelta(days=1)).order_by()
    found = (
        late.values_list("member", "member__user__name")
        .annotate(n=Count("pk"))
        .order_by("-n", "member__user__name", "member")
    )
    return [
        ngettext("%(name)s: %(n)d reminder is overdue.", "%(name)s: %(n)d reminders are overdue.", count)
        % {"name": name, "n": count}
        for _member, name, count in found
    ]
