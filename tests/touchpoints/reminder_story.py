"""A practice of one day after the other, as chance tells it; and what must then be true, read from the rows alone."""

import contextlib
from datetime import date, datetime, timedelta

from hypothesis import strategies as st

from contacts import referral_way
from contacts.models import Referral
from tests import make
from tests.touchpoints.reminding import at, days, provider, touched
from touchpoints import feedback_issues
from touchpoints import thank_you_acts as acts
from touchpoints.feedback_answers import take_down
from touchpoints.meeting_people import People
from touchpoints.meetings import cancel_meeting, plan_meeting
from touchpoints.models import Feedback, FeedbackIssue, Meeting, Reminder, ThankYou, Touchpoint
from touchpoints.reminders import close, dismiss, hand_over, remind, snooze
from touchpoints.thank_you_lists import make_due_thank_you_lists
from touchpoints.touchpoint_log import NotPossible, finish_next_step

START = date(2026, 6, 1)
ZONES = ["America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kolkata"]
AHEAD = days(14)

who, which = st.integers(0, 3), st.integers(0, 9)
STEPS = st.one_of(
    st.tuples(st.just("log"), who),
    st.tuples(
        st.just("move"),
        st.sampled_from(["contacted", "scheduled", "seen", "no_show", "unreachable", "declined"]),
        which,
    ),
    st.tuples(st.sampled_from(["report_back", "slip", "withdraw", "finish", "mend", "cancel"]), which),
    st.tuples(
        st.just("touch"), who, st.sampled_from(["reached", "voicemail", "promise", "meeting", "complaint"])
    ),
    st.tuples(st.just("card"), st.sampled_from(["write_card", "mark_written", "skip", "mark_mailed"]), which),
    st.tuples(st.just("answer"), st.sampled_from(["dismiss", "close", "snooze", "hand_over"]), which),
    st.tuples(st.just("zone"), st.sampled_from(ZONES)),
    st.tuples(st.just("wait"), st.sampled_from([1, 2, 5, 30])),
    st.tuples(st.just("tick")),
)
STORIES = st.lists(STEPS, min_size=4, max_size=16)
# How each begins, so that something of every kind is open, and something is answered that stays due.
FIRST_DAYS = [
    *[("log", number) for number in (0, 1, 2, 0, 3)],
    *[("touch", 0, how) for how in ("reached", "promise", "complaint")],
    ("touch", 1, "voicemail"),
    *[("move", "contacted", 0), ("move", "seen", 1), ("move", "scheduled", 2), ("move", "seen", 3)],
    *[("wait", 10), ("tick",)],
    *[("card", "write_card", number) for number in range(4)],
    *[("card", "mark_written", number) for number in range(2)],
    *[("wait", 22), ("touch", 3, "meeting"), ("tick",)],
    *[("report_back", 1), ("tick",), ("slip", 1), ("tick",)],
    *[("answer", "dismiss", 0), ("answer", "dismiss", 2), ("answer", "close", 0)],
    *[("report_back", 3), ("card", "mark_mailed", 0), ("card", "mark_written", 2), ("finish", 0)],
    *[("touch", 2, "meeting"), ("cancel", 0)],
]


class Story:
    """What happens, and which reminders somebody answered for good."""

    def __init__(self, desk, providers) -> None:
        self.desk, self.providers, self.now = desk, providers, at(START)
        self.answered: set[tuple[str, str]] = set()

    @property
    def today(self) -> date:
        return self.desk.practice.today(self.now)

    def play(self, step: tuple) -> None:
        name, *said = step
        with contextlib.suppress(referral_way.NotOnTheWay, acts.NotPossible, NotPossible):
            getattr(self, name)(*said)

    def log(self, number: int) -> None:
        by, whom = self.desk.coordinator, self.providers[number]
        make.referral(by, now=self.now, received_on=self.today, provider=whom, physician=self.desk.physician)

    def move(self, to: str, number: int) -> None:
        said = {"appointment_at": self.now + days(9)} if to == "scheduled" else {}
        said |= {"seen_on": self.today} if to == "seen" else {}
        for row in one(Referral.objects.filter(withdrawn_at=None), number):
            referral_way.move(row, to=to, by=self.desk.coordinator, now=self.now, **said)

    def report_back(self, number: int) -> None:
        for row in one(Referral.objects.filter(withdrawn_at=None), number):
            referral_way.report_back(row, by=self.desk.physician, now=self.now)

    def slip(self, number: int) -> None:
        for row in one(Referral.objects.filter(withdrawn_at=None), number):
            if step := referral_way.last_step(row):
                said = {"by": self.desk.manager, "now": self.now, "reason": "slip"}
                referral_way.take_back(row, step_id=step.pk, **said)

    def withdraw(self, number: int) -> None:
        for row in one(Referral.objects.all(), number):
            referral_way.withdraw(row, by=self.desk.manager, now=self.now, reason="slip")

    def touch(self, number: int, how: str) -> None:
        whom = self.providers[number]
        if how == "meeting":
            plan(self.desk, whom, self.now + days(3), now=self.now)
        elif how == "complaint":
            complain(self.desk, whom, on=self.today, now=self.now)
        else:
            outcome = "voicemail" if how == "voicemail" else "reached"
            row = touched(self.desk, whom, self.today, outcome=outcome)
            if how == "promise":
                row.next_step, row.next_step_on = "Bring cards", self.today + days(4)
                row.save(update_fields=["next_step", "next_step_on"])

    def finish(self, number: int) -> None:
        for row in one(Touchpoint.objects.owing_next_step(), number):
            finish_next_step(row, by=self.desk.liaison, now=self.now)

    def mend(self, number: int) -> None:
        for row in one(FeedbackIssue.objects.all(), number):
            feedback_issues.resolve(row, by=self.desk.manager, now=self.now, what_changed="Two lines")
            feedback_issues.tell(row, how="letter", message="Done", by=self.desk.manager, now=self.now)

    def cancel(self, number: int) -> None:
        for row in one(Meeting.objects.all(), number):
            cancel_meeting(row, by=self.desk.liaison, now=self.now, reason="Snow")

    def card(self, act: str, number: int) -> None:
        said = {"reason": "known"} if act == "skip" else {}
        for row in one(ThankYou.objects.all(), number):
            getattr(acts, act)(row, by=self.desk.physician, now=self.now, **said)

    def answer(self, how: str, number: int) -> None:
        by = {"by": self.desk.manager, "now": self.now}
        for row in one(Reminder.objects.open(), number):
            if how in ("dismiss", "close"):
                self.answered.add((row.rule, row.cause))
            if how == "dismiss":
                dismiss(row, reason="known", **by)
            elif how == "close":
                close(row, **by)
            elif how == "snooze":
                snooze(row, until=self.today + days(7), now=self.now)
            else:
                hand_over(row, to=self.desk.manager, **by)

    def zone(self, name: str) -> None:
        self.desk.practice.time_zone = name
        self.desk.practice.save(update_fields=["time_zone"])

    def wait(self, count: int) -> None:
        self.now += timedelta(days=count, hours=5)

    def tick(self) -> None:
        make_due_thank_you_lists(now=self.now)
        remind(now=self.now)


def four_providers(desk) -> list:
    """Of each tier, and the liaison's."""
    return [
        provider(f"Number{n}", tier=tier, liaison=desk.liaison, email=f"n{n}@example.test")
        for n, tier in enumerate("ABCA")
    ]


def one(rows, number: int) -> list:
    found = list(rows.order_by("pk"))
    return [found[number % len(found)]] if found else []


def plan(desk, whom, starts_at: datetime, *, now: datetime) -> Meeting:
    said = {"kind": "visit", "purpose": "Introduce ourselves", "starts_at": starts_at}
    said |= {"owner": desk.liaison, "ends_at": starts_at + timedelta(minutes=30)}
    return plan_meeting(people=People(providers=(whom,)), by=desk.liaison, now=now, **said)


def complain(desk, whom, *, on: date, now: datetime) -> None:
    said = {"source": "call", "scheduling": None, "communication": 2, "care": None, "words": ""}
    said |= {"overall": 5, "is_complaint": True, "physician_id": None}
    take_down(provider=whom, given_on=on, by=desk.manager, now=now, **said)


# What is true as long as a reminder of the rule is due, by the words of its cause; the rules are not asked.
def _referral(words, reminder) -> Referral:
    return Referral.objects.get(pk=words[1], withdrawn_at=None)


def _touched_since(words, kinds: dict) -> bool:
    rows = Touchpoint.objects.standing().filter(provider=words[1], **kinds)
    rows = rows.exclude(call_outcome__in=["voicemail", "no_answer"])
    since = START if words[3] == "the" else date.fromisoformat(words[3]) + days(1)
    return rows.filter(happened_on__gte=since).exists()


def _heard_since(words) -> bool:
    since = START if words[3] == "the" else date.fromisoformat(words[3]) + days(1)
    return Feedback.objects.standing().filter(provider=words[1], given_on__gte=since).exists()


def _spoken_to(words, reminder) -> bool:
    spoken = Touchpoint.objects.standing().filter(provider=words[1], happened_on__gte=reminder.due_on)
    return spoken.filter(kind="meeting").exists() or spoken.filter(call_outcome="reached").exists()


def _called_later(words) -> bool:
    call = Touchpoint.objects.get(pk=words[1])
    later = Touchpoint.objects.standing().filter(kind="call", provider=call.provider, pk__gt=call.pk)
    return later.filter(happened_on__gte=call.happened_on).exists()


DUE = {
    "next_actions": lambda words, row: _referral(words, row).next_action == words[2],
    "report_backs": lambda words, row: (
        _referral(words, row).reported_back_at is None and _referral(words, row).status == words[2]
    ),
    "lists_to_review": lambda words, row: ThankYou.objects.filter(list=words[1], state="undecided").exists(),
    "cards_to_write": lambda words, row: ThankYou.objects.get(pk=words[1]).state == "to_write",
    "cards_to_mail": lambda words, row: ThankYou.objects.get(pk=words[1]).state == "written",
    "in_touch": lambda words, row: not _touched_since(words, {}),
    "new_referrers": lambda words, row: not _spoken_to(words, row),
    "quiet_referrers": lambda words, row: (
        not Referral.objects.filter(provider=words[1], withdrawn_at=None, received_on__gt=words[4]).exists()
    ),
    "feedback_due": lambda words, row: not _heard_since(words),
    "issues_unresolved": lambda words, row: FeedbackIssue.objects.get(pk=words[1]).told_at is None,
    "promised_next_steps": lambda words, row: Touchpoint.objects.get(pk=words[1]).next_step_done_at is None,
    "unreached_calls": lambda words, row: not _called_later(words),
    "meetings_tomorrow": lambda words, row: Meeting.objects.get(pk=words[1]).state == "planned",
}


def no_longer_true() -> list[tuple[str, str]]:
    """Open reminders of what was done, or is no more."""
    found = []
    for row in Reminder.objects.open():
        try:
            is_due = DUE[row.rule](row.cause.split(), row)
        except Referral.DoesNotExist:
            is_due = False
        if not is_due:
            found.append((row.rule, row.cause))
    return found


def never_said(today: date) -> list[object]:
    """What waits, and neither is reminded of nor was answered: referrals, cards, issues, meetings."""
    said = Reminder.objects.exclude(state="gone")
    by_referral = set(said.values_list("referral_id", flat=True))
    by_cause = set(said.values_list("cause", flat=True))
    soon = Referral.objects.filter(withdrawn_at=None, next_action_due_at__date__lt=today + AHEAD)
    waiting = [row for row in soon if row.pk not in by_referral]
    for row in ThankYou.objects.filter(state__in=["to_write", "written"]):
        waiting += [] if f"row {row.pk}" in by_cause else [row]
    for row in FeedbackIssue.objects.filter(told_at=None):
        waiting += [] if {f"issue {row.pk} opened", f"issue {row.pk} resolved"} & by_cause else [row]
    for row in Meeting.objects.filter(state="planned"):
        waiting += [] if any(cause.startswith(f"meeting {row.pk} ") for cause in by_cause) else [row]
    return waiting
