"""Lives the story in a migrated database beside a real worker: `python -m tests.faults.ninety_days DAYS ANSWERS`.

Prints, as JSON, what is open after each day's tick: rule, subject in the story's words, the day it is due on, whose.
"""

import json
import os
import sys
import threading
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import django

from tests.faults.ninety_days_story import (
    FEEDBACK_EVERY,
    HISTORY,
    PHYSICIANS,
    START,
    TIERS,
    UNTOUCHED,
    Patient,
    Touch,
    on,
    tell_story,
)

ZONE = ZoneInfo("America/New_York")


def main(days: int, answers: list[Any]) -> None:
    from practices.encryption import verify_keys

    verify_keys()
    life = Life()
    walked = []
    for day in range(days):
        life.live(day)
        for at, how, which in answers:
            if at == day:
                life.answer(day, how, *which)
        life.tick(day)
        walked.append(life.open_ones())
    print(json.dumps(walked))


def at(day: int, hour: int = 9) -> datetime:
    return datetime.combine(on(day), time(hour), ZONE).astimezone(UTC)


class Worker:
    """What the worker says of what it does, heard by a thread of its own."""

    def __init__(self) -> None:
        from referralcrm.celery import app

        self.heard, self.is_heard = threading.Condition(), False
        self.practices: dict[str, str] = {}
        self.done: set[str] = set()
        told = {
            "worker-heartbeat": self._beats,
            "task-received": self._received,
            "task-succeeded": self._succeeded,
        }
        receiver = app.events.Receiver(app.connection_for_read(), handlers=told)
        listening = {"limit": None, "timeout": None, "wakeup": False}
        threading.Thread(target=receiver.capture, kwargs=listening, daemon=True).start()
        for _try in range(60):
            app.control.enable_events()
            with self.heard:
                if self.heard.wait_for(lambda: self.is_heard, timeout=1):
                    return
        raise TimeoutError("no worker is heard")

    def wait_for(self, tick: str) -> None:
        """Until the practice was asked by this tick's message."""
        with self.heard:
            assert self.heard.wait_for(lambda: tick in self.done, timeout=60), "the practice was not asked"

    def _beats(self, event: dict[str, Any]) -> None:
        with self.heard:
            self.is_heard = True
            self.heard.notify_all()

    def _received(self, event: dict[str, Any]) -> None:
        if event["name"] == "referralcrm.tick_practice":
            self.practices[event["uuid"]] = event["root_id"]

    def _succeeded(self, event: dict[str, Any]) -> None:
        with self.heard:
            if event["uuid"] in self.practices:
                self.done.add(self.practices[event["uuid"]])
            self.heard.notify_all()


class Life:
    """The practice, its people, and what the story's names mean in the database."""

    def __init__(self) -> None:
        from practices.isolation import practice_scope
        from practices.roles import Role
        from tests import make
        from touchpoints.models import RuleSetting

        self.scope, self.story = practice_scope, tell_story()
        self.worker = Worker()
        self.practice = make.practice("Ninety Days", starts_on=START)
        self.members = {
            role.value: make.member(role, self.practice) for role in Role if role != Role.PHYSICIAN
        }
        for name in PHYSICIANS:
            self.members[name] = make.member(Role.PHYSICIAN, self.practice, name=name)
        self.names = {member.pk: name for name, member in self.members.items()}
        self.referrals: dict[str, Any] = {}
        self.rows: dict[tuple[str, int], Any] = {}
        with self.scope(self.practice):
            RuleSetting.objects.create(rule="feedback_due", numbers={"days": FEEDBACK_EVERY})
            tiers = TIERS | dict.fromkeys(UNTOUCHED, "A")
            self.providers = {name: self._provider(name, tier) for name, tier in tiers.items()}
            for day in HISTORY:
                make.referral(
                    self.members["coordinator"],
                    now=at(0),
                    received_on=on(day),
                    provider=self.providers["Quiet"],
                )

    def _provider(self, name: str, tier: str) -> Any:
        from contacts.models import Provider
        from tests import make

        made = make.provider(name, tier=tier, email=f"{name.lower()}@example.test")
        Provider.objects.filter(pk=made.pk).update(created_at=at(-100))  # not on the day this test is run
        return made

    def live(self, day: int) -> None:
        with self.scope(self.practice):
            for patient in self.story.patients:
                if patient.logged == day:
                    self._log(patient, day)
                for when, act, visit in patient.steps:
                    if when == day:
                        self._step(self.referrals[patient.name], act, day, visit)
            self._thank(day)
            for number, touch in enumerate(self.story.touches):
                self._touch(number, touch, day)
            self._hear(day)

    def _log(self, patient: Patient, day: int) -> None:
        from tests import make

        self.referrals[patient.name] = make.referral(
            self.members["coordinator"],
            now=at(day),
            received_on=on(day),
            provider=self.providers[patient.provider],
            physician=self.members[patient.physician],
            urgency=patient.urgency,
        )

    def _step(self, referral: Any, act: str, day: int, visit: int) -> None:
        from contacts.referral_way import move, report_back

        by = self.members["coordinator"]
        if act == "told":
            report_back(referral, by=by, now=at(day))
            return
        said = {"appointment_at": at(visit, 14)} if act == "scheduled" else {}
        said |= {"seen_on": on(visit)} if act == "seen" else {}
        move(referral, to=act, by=by, now=at(day), **said)

    def _thank(self, day: int) -> None:
        from touchpoints import thank_you_acts as acts
        from touchpoints.models import ThankYou

        for one in self.story.lists:
            rows = ThankYou.objects.filter(
                list__week_starts_on=on(one.monday), list__physician=self.members[one.physician]
            )
            for card in one.cards:
                if day not in (card.decided, card.written, card.mailed):
                    continue
                row, by = rows.get(provider=self.providers[card.provider]), self.members[one.physician]
                if card.decided == day and card.written is None:
                    acts.skip(row, by=by, now=at(day), reason="thanked in person")
                elif card.decided == day:
                    acts.write_card(row, by=by, now=at(day))
                if card.written == day:
                    acts.mark_written(row, by=by, now=at(day))
                if card.mailed == day:
                    acts.mark_mailed(row, by=by, now=at(day))

    def _touch(self, number: int, touch: Touch, day: int) -> None:
        from touchpoints.meeting_people import People
        from touchpoints.meetings import hold_meeting, plan_meeting
        from touchpoints.touchpoint_log import finish_next_step, log_call

        by, whom = self.members["liaison"], self.providers[touch.provider]
        people = People(providers=(whom,))
        if touch.how == "meeting" and touch.day == day:
            hours = {"starts_at": at(touch.until, 14), "ends_at": at(touch.until, 15)}
            self.rows["meeting", number] = plan_meeting(
                people=people, by=by, now=at(day), owner=by, kind="visit", purpose="Say hello", **hours
            )
        elif touch.how == "meeting" and touch.done == day:
            hold_meeting(self.rows["meeting", number], people=people, by=by, now=at(day, 16))
        elif touch.how != "meeting" and touch.day == day:
            said = (
                {"next_step": "Bring cards", "next_step_on": on(touch.until)}
                if touch.how == "promise"
                else {}
            )
            outcome = "voicemail" if touch.how == "voicemail" else "reached"
            self.rows["call", number] = log_call(outcome=outcome, by=by, now=at(day), provider=whom, **said)
        elif touch.how == "promise" and touch.done == day:
            finish_next_step(self.rows["call", number], by=by, now=at(day))

    def _hear(self, day: int) -> None:
        from contacts.models import Provider
        from touchpoints import feedback_issues as issues
        from touchpoints.feedback_asking import ask
        from touchpoints.models import Feedback

        by = self.members["manager"]
        for when, name in self.story.asked:
            if when == day:
                whom = Provider.objects.filter(pk=self.providers[name].pk)
                ask(whom, by=by, now=at(day), within=timedelta(days=1))
        for number, complaint in enumerate(self.story.complaints):
            if complaint.day == day:
                feedback = Feedback.objects.create(
                    provider=self.providers[complaint.provider],
                    source="visit",
                    given_on=on(day),
                    recorded_at=at(day),
                    recorded_by=by,
                    is_complaint=True,
                )
                self.rows["issue", number] = issues.open_issue(feedback, now=at(day))
            if complaint.resolved == day:
                issues.resolve(self.rows["issue", number], by=by, now=at(day), what_changed="A new line")
            if complaint.told == day:
                said = {"how": issues.LETTER, "message": "We changed it."}
                issues.tell(self.rows["issue", number], by=by, now=at(day), **said)

    def answer(self, day: int, how: str, rule: str, subject: str, due_on: int) -> None:
        from touchpoints.models import Reminder
        from touchpoints.reminders import close, dismiss

        with self.scope(self.practice):
            (row,) = [
                row
                for row in Reminder.objects.open().filter(rule=rule, due_on=on(due_on))
                if self._subject(row) == subject
            ]
            by = self.members["manager"]
            if how == "close":
                close(row, by=by, now=at(day, 10))
            else:
                dismiss(row, by=by, now=at(day, 10), reason="It need not be done")

    def tick(self, day: int) -> None:
        """Through the broker, until the worker says that the practice was asked."""
        from referralcrm.tasks import tick

        self.worker.wait_for(tick.delay(now=at(day, 12).isoformat()).id)

    def open_ones(self) -> list[tuple[str, str, int, str]]:
        from touchpoints.models import Reminder

        with self.scope(self.practice):
            rows = Reminder.objects.open().select_related("provider", "thank_you_list")
            return [
                (row.rule, self._subject(row), (row.due_on - START).days, self.names[row.member_id])
                for row in rows
            ]

    def _subject(self, row: Any) -> str:
        if row.referral_id:
            return next(name for name, made in self.referrals.items() if made.pk == row.referral_id)
        parts = []
        if found := row.thank_you_list:
            parts = [self.names[found.physician_id], str((found.week_starts_on - START).days)]
        return " ".join([*parts, *([row.provider.family_name] if row.provider else [])])


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "referralcrm.settings")
    django.setup()
    main(int(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text()))
