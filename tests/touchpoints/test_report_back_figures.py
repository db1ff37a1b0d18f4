"""The measure of reports back, against figures worked out in the test from the story."""

import csv
import io
import random
from datetime import UTC, date, datetime, timedelta
from statistics import median

import openpyxl
import pytest
from django.utils import timezone

from contacts.models import Referral
from contacts.referral_way import move, report_back
from practices.isolation import practice_scope
from practices.periods import months_until
from practices.roles import Role
from tests import make
from touchpoints.report_back_board import rows_of
from touchpoints.report_back_figures import figures
from touchpoints.report_back_measure import Measure, sentence

PAGE = "/report-back/figures/"
TODAY = date(2026, 11, 18)
MONTHS = [date(2025, 12, 1), *(date(2026, n, 1) for n in range(1, 12))]


@pytest.fixture
def practice(db):
    return make.practice(starts_on=date(2025, 1, 6))


@pytest.fixture
def manager(practice):
    return make.member(Role.MANAGER, practice)


def seen(by, seen_on, *, told_at=None, received_on=None, **fields):
    """Seen on that day; told at that moment, if at all."""
    seen_at = datetime.combine(seen_on, datetime.min.time(), UTC) + timedelta(hours=20)
    row = make.referral(by, now=seen_at, received_on=received_on or seen_on, **fields)
    row = move(row, to="seen", by=by, now=seen_at, seen_on=seen_on)
    return report_back(row, by=by, now=told_at) if told_at else row


def measured(practice, member, today=TODAY):
    rows = rows_of(member, today)
    return figures(rows, practice=practice, months=months_until(today))


@pytest.mark.parametrize("seed", range(3))
def test_every_figure_is_what_the_story_says(practice, manager, seed):
    chance = random.Random(seed)
    people = [make.member(Role.PHYSICIAN, practice, name=name) for name in ("Ada", "Ben")]
    told_after: dict[tuple, list[int | None]] = {}
    with practice_scope(practice):
        sender = make.provider()
        for _row in range(40):
            seen_on = TODAY - timedelta(days=chance.randrange(1, 340))
            who = chance.choice([*people, None])
            days = chance.choice([None, 0, 1, 2, 3, 8])
            told_at = days is not None and datetime(seen_on.year, seen_on.month, seen_on.day, 22, tzinfo=UTC)
            told_at = told_at and told_at + timedelta(days=days)
            seen(manager, seen_on, told_at=told_at or None, physician=who, provider=sender)
            told_after.setdefault((seen_on.replace(day=1), who and who.pk), []).append(days)
        found = measured(practice, manager)
    assert found.measures.keys() == told_after.keys()
    for key, story in told_after.items():
        told = [days for days in story if days is not None]
        measure = found.measures[key]
        expected = (len(story), len(told), median(told) if told else None)
        assert (measure.seen, measure.told, measure.median_days) == expected
    everything = [days for story in told_after.values() for days in story]
    assert found.of().median_days == median(days for days in everything if days is not None)
    lines = found.by_month(MONTHS)
    assert [line.name for line in lines[:2]] == ["November 2026", "October 2026"]
    assert sum(line.measure.seen for line in lines) == 40
    assert [line.name for line in found.by_physician(None)] == ["Ada", "Ben", "no physician yet"]
    assert sum(line.measure.told for line in found.by_physician(None)) == found.of().told


def test_days_are_those_of_the_practices_calendar(practice, manager):
    with practice_scope(practice):
        # half past ten in the evening of the second day in New York, the third already in London
        seen(manager, date(2026, 11, 1), told_at=datetime(2026, 11, 3, 3, 30, tzinfo=UTC))
        assert measured(practice, manager).of().median_days == 1


def test_history_and_what_was_withdrawn_count_nowhere(practice, manager):
    with practice_scope(practice):
        seen(manager, date(2026, 1, 8), received_on=date(2025, 1, 5))
        gone = seen(manager, date(2026, 10, 8))
        Referral.objects.filter(pk=gone.pk).update(withdrawn_at=make.NOW, withdrawn_by=manager)
        seen(manager, date(2025, 11, 30))
        assert measured(practice, manager).of() == Measure()


def test_a_month_is_said_in_a_sentence():
    october = Measure()
    assert sentence(october, date(2026, 10, 1)) == "In October 2026 no patient was seen."
    october.add(7, None)
    assert (
        sentence(october, date(2026, 10, 1))
        == "In October 2026 7 patients were seen, and no referrer was told."
    )
    october.add(41, 3)
    assert sentence(october, date(2026, 10, 1)) == (
        "In October 2026 the referrers of 41 of 48 patients were told, in 3 days as a rule."
    )
    assert october.share == 85
    same_day = Measure()
    same_day.add(1, 0)
    assert sentence(same_day, date(2026, 10, 1)) == (
        "In October 2026 the referrer of 1 of 1 patients was told, on the same day as a rule."
    )


def test_figures_open_their_rows(client, practice, manager):
    now = timezone.now()
    last = months_until(practice.today(now))[-2]
    physician = make.member(Role.PHYSICIAN, practice)
    with practice_scope(practice):
        told = seen(manager, last, told_at=now, physician=physician)
        waits = [seen(manager, last + timedelta(days=n), physician=physician) for n in (1, 2)]
        seen(manager, last - timedelta(days=3), physician=physician)
    client.force_login(manager.user)
    answer = client.get(PAGE, {"month": f"{last:%Y-%m}"})
    month = next(line for line in answer.context["by_month"] if f"{last:%Y-%m}" in line.url)
    (person,) = answer.context["by_physician"]
    for line in (month, person):
        assert (line.measure.seen, line.measure.told, line.measure.waiting) == (3, 1, 2)
        both = [row.pk for row in client.get(line.seen_url).context["lines"]]
        assert both == [*[row.pk for row in reversed(waits)], told.pk]
        assert [row.pk for row in client.get(line.told_url).context["lines"]] == [told.pk]
        assert [row.pk for row in client.get(line.waiting_url).context["lines"]] == [row.pk for row in waits]


def test_the_board_says_the_same_of_last_month_as_the_figures(client, practice, manager):
    now = timezone.now()
    last = months_until(practice.today(now))[-2]
    with practice_scope(practice):
        for days in (0, 3, 5):
            told_at = datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=days, hours=22)
            seen(manager, last, told_at=told_at)
        seen(manager, last)
    client.force_login(manager.user)
    said = client.get("/report-back/").context["sentence"]
    assert said == client.get(PAGE).context["sentence"]
    assert said.endswith("the referrers of 3 of 4 patients were told, in 3 days as a rule.")


def test_the_file_holds_no_formula_and_the_same_figures(client, practice, manager):
    now = timezone.now()
    last = months_until(practice.today(now))[-2]
    other, ben = (make.member(Role.PHYSICIAN, practice, name=name) for name in ("=1+1", "Ben"))
    with practice_scope(practice):
        seen(
            manager,
            last,
            told_at=datetime.combine(last, datetime.min.time(), UTC) + timedelta(days=2, hours=22),
            physician=other,
        )
        seen(manager, last, physician=other)
        seen(manager, last, physician=ben)
    client.force_login(manager.user)
    answer = client.get("/report-back/figures.csv")
    assert answer["Content-Disposition"] == 'attachment; filename="report-back.csv"'
    rows = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert rows[1:] == [
        [f"{last:%Y-%m}", "'=1+1", "2", "1", "50", "2"],
        [f"{last:%Y-%m}", "Ben", "1", "0", "0", ""],
    ]
    narrowed = client.get("/report-back/figures.csv", {"physician": ben.pk}).content.decode()
    assert "Ben" in narrowed
    assert "=1+1" not in narrowed
    book = openpyxl.load_workbook(io.BytesIO(client.get("/report-back/figures.xlsx").content))
    assert [[cell.value for cell in line] for line in book.active.iter_rows(min_row=2)] == [
        [f"{last:%Y-%m}", "'=1+1", 2, 1, 50, 2],
        [f"{last:%Y-%m}", "Ben", 1, 0, 0, None],
    ]
    assert client.get("/report-back/figures.pdf").status_code == 404


def test_a_practice_that_has_just_begun_is_measured_from_its_own_months(client, manager):
    today = manager.practice.today(timezone.now())
    manager.practice.starts_on = today
    manager.practice.save()
    client.force_login(manager.user)
    answer = client.get(PAGE)
    assert [line.name for line in answer.context["by_month"]] == [f"{today:%B %Y}"]
    assert answer.context["sentence"] == f"In {today:%B %Y} no patient was seen."


def test_a_physician_measures_their_own(client, practice, manager):
    last = months_until(practice.today(timezone.now()))[-2]
    one, other = (make.member(Role.PHYSICIAN, practice) for _ in range(2))
    with practice_scope(practice):
        seen(manager, last, physician=one)
        seen(manager, last, physician=other)
    client.force_login(one.user)
    assert client.get(PAGE).context["measure"].seen == 1
    assert client.get("/report-back/figures.csv").status_code == 403
