"""Ninety days of a practice with the real worker and broker: each reminder once, on its day, gone when done.

What must be open after each day's tick is worked out here from the story, day by day, and not by the product's rules.
"""

import json
from collections.abc import Iterator
from random import Random

import pytest

from tests.counts import examples
from tests.faults.ninety_days_story import (
    BACK_ON,
    DAYS,
    FEEDBACK_EVERY,
    HISTORY,
    TIERS,
    UNTOUCHED,
    Patient,
    Story,
    Touch,
    business,
    tell_story,
)
from tests.faults.stack import running_stack

EVERY = {"A": 30, "B": 60, "C": 120}
AHEAD = 14
WALKED = examples(24, full=DAYS)  # days
Item = tuple[str, str, int, str]  # rule, subject, due on, member


@pytest.mark.faults
def test_each_reminder_of_ninety_days_appears_once_on_its_day_and_goes_when_done(tmp_path, migrated):
    story = tell_story()
    story.answers = answers_of(story)
    with running_stack(tmp_path, copy_of=migrated) as stack:
        stack.start_worker("worker")
        plan = tmp_path / "answers.json"
        plan.write_text(json.dumps(story.answers))
        walked = json.loads(stack.run("-m", "tests.faults.ninety_days", str(WALKED), str(plan), timeout=900))

    spread = {name: [] for name in UNTOUCHED}
    for day, found in enumerate(walked):
        for _rule, subject, due_on, _member in found:
            if subject in UNTOUCHED:
                spread[subject].append((day, due_on))
        known = [tuple(item) for item in found if item[1] not in UNTOUCHED]
        assert sorted(known) == sorted(expected_on(story, day)), f"on day {day}"
    for name, seen in spread.items():
        check_first_one(name, seen)


def check_first_one(name: str, seen: list[tuple[int, int]]) -> None:
    """Nobody is ever in touch with them: one reminder, on one day within the interval, from two weeks before on."""
    (due_on,) = {due_on for _day, due_on in seen}
    assert 0 < due_on <= EVERY["A"], name
    assert [day for day, _due_on in seen] == list(range(max(0, due_on - AHEAD), WALKED)), name


def test_story_is_worth_walking():
    story = tell_story()
    rules = {item[0] for day in range(DAYS) for item in expected_on(story, day)}
    assert rules == {
        "next_actions",
        "report_backs",
        "lists_to_review",
        "cards_to_write",
        "cards_to_mail",
        "in_touch",
        "new_referrers",
        "quiet_referrers",
        "feedback_due",
        "issues_unresolved",
        "promised_next_steps",
        "unreached_calls",
        "meetings_tomorrow",
    }
    assert len({item for day in range(DAYS) for item in expected_on(story, day)}) > 200
    assert {"dismiss", "close"} == {how for _day, how, _which in answers_of(story)}


def answers_of(story: Story) -> list[tuple[int, str, tuple[str, str, int]]]:
    """Every few days somebody dismisses one, or says that it is done, without doing the thing."""
    chance, found, kept = Random(7), [], ("new_referrers", "promised_next_steps")
    for day in range(4, DAYS, 3):
        waiting = sorted(item[:3] for item in expected_on(story, day - 1) if item[0] not in kept)
        still = {item[:3] for item in expected_on(story, day)} - {which for _day, _how, which in found}
        open_ones = [which for which in waiting if which in still]
        if open_ones:
            found.append((day, chance.choice(["dismiss", "close"]), chance.choice(open_ones)))
    return found


def expected_on(story: Story, day: int) -> list[Item]:
    answered = {tuple(which) for on, _how, which in story.answers if on <= day}
    sources = (_referrals, _lists, _in_touch, _new, _quiet, _feedback, _calls, _complaints)
    return [item for source in sources for item in source(story, day) if item[:3] not in answered]


def _referrals(story: Story, day: int) -> Iterator[Item]:
    for patient in story.patients:
        if patient.logged > day:
            continue
        taken = [step for step in patient.steps if step[0] <= day]
        found = _next_of(patient, *taken[-1]) if taken else _to_contact(patient)
        if found and found[1] <= day + AHEAD:
            rule, due_on, member = found
            yield rule, patient.name, due_on, member


def _to_contact(patient: Patient) -> tuple[str, int, str]:
    within = {"stat": 0, "urgent": 1, "routine": 3}[patient.urgency]
    return "next_actions", business(patient.logged, within), "coordinator"


def _next_of(patient: Patient, on: int, act: str, visit: int) -> tuple[str, int, str] | None:
    if act == "contacted":
        return "next_actions", business(on, 3), "coordinator"
    if act == "scheduled":
        return "next_actions", visit + 1, "coordinator"
    if act == "seen":
        return "report_backs", business(visit, 2), patient.physician
    if act in ("no_show", "unreachable", "declined"):
        return "report_backs", business(on, 2), patient.physician
    return None  # told, or cancelled


def _lists(story: Story, day: int) -> Iterator[Item]:
    for one in story.lists:
        made = one.monday + 7
        if made <= day < one.cards[0].decided:
            yield "lists_to_review", one.name, business(made, 4), one.physician
        for card in one.cards:
            if card.written is None or card.mailed is None:
                continue
            subject = f"{one.name} {card.provider}"
            if card.decided <= day < card.written:
                yield "cards_to_write", subject, business(card.decided, 3), one.physician
            elif card.written <= day < card.mailed:
                yield "cards_to_mail", subject, business(card.written, 2), one.physician


def _touches(story: Story, name: str, day: int) -> list[int]:
    """The days, known by that day, on which they were reached in any way."""
    on = [t.day for t in story.touches if t.provider == name and _is_known(t, day) and t.how != "voicemail"]
    for one in story.lists:
        mailed = [c.mailed for c in one.cards if c.provider == name and c.mailed is not None]
        on += [at for at in mailed if at <= day]
    on += [c.told for c in story.complaints if c.provider == name and c.told <= day]
    said = [at for at, how, which in story.answers if how == "close" and which[:2] == ("in_touch", name)]
    return (
        on
        + [at for at in said if at <= day]
        + [at for at, asked in story.asked if asked == name and at <= day]
    )


def _is_known(touch: Touch, day: int) -> bool:
    """A meeting is planned on its day, takes place on `until`, and is told of on `done`."""
    return (touch.done if touch.how == "meeting" else touch.day) <= day


def _spoken(story: Story, name: str, day: int) -> list[int]:
    return [
        t.until if t.how == "meeting" else t.day
        for t in story.touches
        if t.provider == name and t.how != "voicemail" and _is_known(t, day)
    ]


def _in_touch(story: Story, day: int) -> Iterator[Item]:
    for name, tier in TIERS.items():
        meetings = [
            t.until for t in story.touches if t.provider == name and t.how == "meeting" and _is_known(t, day)
        ]
        due_on = max([*_touches(story, name, day), *meetings]) + EVERY[tier]
        if due_on <= day + AHEAD:
            yield "in_touch", name, due_on, "liaison"


def _new(story: Story, day: int) -> Iterator[Item]:
    for name in TIERS:
        theirs = [p for p in story.patients if p.provider == name and p.logged <= day]
        if not theirs or name == "Quiet":
            continue
        first, spoken = min(p.logged for p in theirs), _spoken(story, name, day)
        seen = [(visit, p) for p in theirs for on, act, visit in p.steps if act == "seen" and on <= day]
        if seen:
            visit, patient = min(
                seen, key=lambda one: one[0]
            )  # of two on one day the one who was logged first
            if day < first + 90 and not any(at >= visit for at in spoken):
                yield "new_referrers", name, visit, patient.physician
        due_on = first + 90
        if due_on <= day + AHEAD and not any(at >= due_on - AHEAD for at in spoken):
            yield "new_referrers", name, due_on, "liaison"


def _quiet(story: Story, day: int) -> Iterator[Item]:
    """Each week; 33 days are the first that are more than 4.6 times seven."""
    since = max(HISTORY) + 33
    if since <= day < BACK_ON:
        yield "quiet_referrers", "Quiet", since, "liaison"


def _feedback(story: Story, day: int) -> Iterator[Item]:
    for name in TIERS:
        referred = [p.logged for p in story.patients if p.provider == name and p.logged <= day]
        heard = [at for at, asked in story.asked if asked == name and at <= day]
        heard += [c.day for c in story.complaints if c.provider == name and c.day <= day]
        if not (referred or name == "Quiet"):
            continue
        due_on = (max(heard) if heard else min(referred)) + FEEDBACK_EVERY
        if due_on <= day + AHEAD:
            yield "feedback_due", name, due_on, "liaison"


def _calls(story: Story, day: int) -> Iterator[Item]:
    for touch in story.touches:
        if touch.how == "promise" and touch.day <= day < touch.done:
            yield "promised_next_steps", touch.provider, touch.until, "liaison"
        if touch.how == "meeting" and touch.day <= day < touch.done:
            yield "meetings_tomorrow", touch.provider, touch.until - 1, "liaison"
    for name in TIERS:
        calls = [t for t in story.touches if t.provider == name and t.how != "meeting" and t.day <= day]
        last = max(calls, key=lambda t: t.day, default=None)
        met = [t for t in story.touches if t.provider == name and t.how == "meeting" and t.done <= day]
        if (
            last
            and last.how == "voicemail"
            and not any((t.until, t.done) > (last.day, last.day) for t in met)
        ):
            yield "unreached_calls", name, business(last.day, 1), "liaison"


def _complaints(story: Story, day: int) -> Iterator[Item]:
    for complaint in story.complaints:
        if complaint.day <= day < complaint.told:
            yield "issues_unresolved", complaint.provider, complaint.day + 7, "manager"
