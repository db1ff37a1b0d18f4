"""A year of feedback: some were asked and answered, some were heard on a visit; one complaint is mended, one is not."""

from dataclasses import dataclass
from datetime import date, timedelta

from contacts.models import Provider
from contacts.search import folded
from contacts.senders import with_places
from practices.models import Member
from practices.roles import Role
from referralcrm.seeding.days import Days
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest, Touchpoint
from touchpoints.reminder_rules import RULES

WITH_EMAIL, ASKED, BETWEEN = 96, 24, 13  # providers, providers, days from one asking to the one before
COMPLAINT, MENDED = 0, 6  # the newest is open, an older one was mended and told
SCORES = ((9, 5, 4, 5), (8, 4, 4, 5), (10, 5, 5, 5), (7, 3, 4, 4), (9, 4, 5, None), (8, 3, 3, 5))
LOW = {COMPLAINT: (5, 2, 3, 4), MENDED: (4, 3, 1, 4)}
WORDS = {
    COMPLAINT: "New patients wait too long for a first visit.",
    MENDED: "Reports reach us weeks after the visit.",
    3: "The coordinator always calls back.",
    9: "Glad about the short reports.",
}


@dataclass(frozen=True)
class Heard:
    """One provider's turn: when they were asked or visited, and when they answered."""

    place: int
    provider: Provider
    on: date

    @property
    def is_visit(self) -> bool:
        return self.place % 4 == 1

    @property
    def answers(self) -> bool:
        return self.is_visit or self.place % 3 != 2

    @property
    def answered_on(self) -> date:
        return self.on if self.is_visit else self.on + timedelta(days=1 + self.place % 4)


class Story:
    """Writes the turns table by table; inside the practice's scope."""

    def __init__(self, days: Days) -> None:
        self.days = days
        seats = Member.objects.active().order_by("pk")
        self.manager = next(seat for seat in seats if seat.role == Role.MANAGER)
        self.liaison = next(seat for seat in seats if seat.role == Role.LIAISON)
        self.physicians = [seat for seat in seats if seat.role == Role.PHYSICIAN]

    def write(self, turns: list[Heard]) -> None:
        """Touchpoints, requests, answers and issues, each in one statement."""
        touchpoints = Touchpoint.objects.bulk_create([self._touchpoint(turn) for turn in turns])
        requests = FeedbackRequest.objects.bulk_create(
            self._request(turn, touchpoint)
            for turn, touchpoint in zip(turns, touchpoints, strict=True)
            if not turn.is_visit
        )
        by_touchpoint = {request.touchpoint_id: request for request in requests}
        given = Feedback.objects.bulk_create(
            self._feedback(turn, touchpoint, by_touchpoint.get(touchpoint.pk))
            for turn, touchpoint in zip(turns, touchpoints, strict=True)
            if turn.answers
        )
        FeedbackIssue.objects.bulk_create([self._issue(feedback) for feedback in given if feedback.is_low])

    def _touchpoint(self, turn: Heard) -> Touchpoint:
        by, at = (self.liaison if turn.is_visit else self.manager), self.days.moment(turn.on, 90)
        places = list(turn.provider.places.all())
        return Touchpoint(
            kind=Touchpoint.Kind.FEEDBACK,
            happened_on=turn.on,
            provider=turn.provider,
            office=places[0].office if places else None,
            member=by,
            note="Taken down after a visit." if turn.is_visit else "Asked by e-mail.",
            logged_at=at,
            logged_by=by,
        )

    def _request(self, turn: Heard, touchpoint: Touchpoint) -> FeedbackRequest:
        return FeedbackRequest(
            provider=turn.provider,
            office=touchpoint.office,
            asked_at=touchpoint.logged_at,
            asked_by=self.manager,
            touchpoint=touchpoint,
            answered_at=self.days.moment(turn.answered_on, 200) if turn.answers else None,
        )

    def _feedback(self, turn: Heard, touchpoint: Touchpoint, request: FeedbackRequest | None) -> Feedback:
        overall, *parts = LOW.get(turn.place, SCORES[turn.place % len(SCORES)])
        return Feedback(
            provider=turn.provider,
            office=touchpoint.office,
            physician=self.physicians[turn.place // 2 % len(self.physicians)] if turn.place % 2 else None,
            request=request,
            source=Feedback.Source.PAGE if request else Feedback.Source.VISIT,
            given_on=turn.answered_on,
            overall=overall,
            **dict(zip(Feedback.PARTS, parts, strict=True)),
            words=WORDS.get(turn.place, ""),
            is_complaint=turn.place == MENDED,
            recorded_at=self.days.moment(turn.answered_on, 200),
            recorded_by=None if request else self.liaison,
            touchpoint=touchpoint,
        )

    def _issue(self, feedback: Feedback) -> FeedbackIssue:
        issue = FeedbackIssue(
            feedback=feedback,
            owner=self.manager,
            due_on=feedback.given_on + timedelta(days=RULES["issues_unresolved"].numbers[0].default),
            opened_at=feedback.recorded_at,
        )
        if feedback.is_complaint:
            at = feedback.recorded_at + timedelta(days=5)
            issue.what_changed = "Reports now leave on the day of the visit."
            issue.resolved_at = issue.told_at = at
            issue.resolved_by = issue.told_by = self.manager
        return issue


def write_feedback(days: Days) -> None:
    """Give the larger senders an e-mail address, and a year of feedback. Inside the practice's scope."""
    senders = Provider.objects.active().exclude(referrals=None).distinct().order_by("pk")
    found = list(with_places(senders)[:WITH_EMAIL])
    for place, provider in enumerate(found, start=1):
        provider.email = f"{folded(provider.family_name).replace(' ', '.')}{place}@referrers.example"
    Provider.objects.bulk_update(found, ["email"])
    Story(days).write(
        [
            Heard(place, provider, days.business_day(days.until - timedelta(days=10 + BETWEEN * place), 0))
            for place, provider in enumerate(found[:ASKED])
        ]
    )
