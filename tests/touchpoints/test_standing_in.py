"""Who is away for a while: what falls to them goes to somebody else, and comes back on its day."""

from datetime import date, timedelta

import pytest
import time_machine
from django.urls import reverse

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.members import leave
from practices.models import Cover
from practices.roles import Role
from tests import make
from tests.touchpoints.reminding import TODAY, at, days, new_desk, provider, referral, touched
from touchpoints.models import Reminder, StandIn
from touchpoints.reminders import hand_over, remind
from touchpoints.standing_in import arrange_stand_in, end_stand_in, keep_stand_ins

UNTIL = TODAY + timedelta(days=9)  # a Friday


@pytest.fixture
def desk(db):
    """The liaison has two to be in touch with; another liaison and another physician could help."""
    desk = new_desk()
    desk.other = make.member(Role.LIAISON, desk.practice, name="Other Liaison")
    desk.colleague = make.member(Role.PHYSICIAN, desk.practice, name="Colleague Two")
    with practice_scope(desk.practice):
        for name in ("First", "Second"):
            quiet_for(desk, name, 40)
        remind(now=at(TODAY))
    with time_machine.travel(at(TODAY), tick=False):
        yield desk


def quiet_for(desk, name, count, on=TODAY):
    whom = provider(name, tier="A", liaison=desk.liaison)
    touched(desk, whom, on - days(count))
    return whom


def away(desk, *, to=None, until=UNTIL, now=None):
    return arrange_stand_in(
        desk.liaison, stand_in=to or desk.other, until=until, by=desk.manager, now=now or at(TODAY)
    )


def tick(on):
    remind(now=at(on))
    keep_stand_ins(now=at(on))


def held_by(member):
    return Reminder.objects.open().filter(member=member, rule="in_touch").count()


def test_what_is_open_goes_and_comes_back_after_the_last_day(desk):
    with practice_scope(desk.practice):
        handed = away(desk)
        assert (handed.count, handed.kept, held_by(desk.other)) == (2, 0, 2)
        for day in (TODAY, TODAY + days(1), UNTIL):
            tick(day)
            assert (held_by(desk.other), held_by(desk.liaison)) == (2, 0)
        tick(UNTIL + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 2)
        tick(UNTIL + days(2))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 2)
        assert not StandIn.objects.exists()


def test_what_falls_due_meanwhile_goes_too(desk):
    with practice_scope(desk.practice):
        away(desk)
        quiet_for(desk, "Third", 28)
        tick(TODAY + days(3))
        assert (held_by(desk.other), held_by(desk.liaison)) == (3, 0)
        quiet_for(desk, "Fourth", 28)
        tick(UNTIL + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 4)


def test_what_the_stand_in_did_is_done_and_what_they_passed_on_stays_there(desk):
    with practice_scope(desk.practice):
        away(desk)
        first, second = Reminder.objects.open().filter(rule="in_touch").order_by("pk")
        touched(desk, first.provider, TODAY)
        hand_over(second, to=desk.manager, by=desk.other, now=at(TODAY))
        tick(UNTIL + days(1))
        first.refresh_from_db()
        second.refresh_from_db()
        assert first.state == "gone"
        assert second.member == desk.manager


def test_who_is_back_earlier_has_everything_at_once(desk):
    with practice_scope(desk.practice):
        away(desk)
        end_stand_in(desk.liaison, now=at(TODAY))
        tick(TODAY + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 2)


def test_another_arrangement_takes_the_place_of_the_first(desk):
    with practice_scope(desk.practice):
        away(desk, until=UNTIL + days(30))
        away(desk, to=desk.manager, now=at(TODAY) + timedelta(hours=1))
        assert (held_by(desk.other), held_by(desk.manager)) == (0, 2)
        tick(UNTIL + days(1))
        assert held_by(desk.liaison) == 2


def test_through_whose_hands_it_went_it_comes_back_to_whose_it_was(desk):
    """The stand-in goes away, too, and longer."""
    with practice_scope(desk.practice):
        away(desk)
        said = {"stand_in": desk.manager, "until": UNTIL + days(20), "by": desk.manager, "now": at(TODAY)}
        arrange_stand_in(desk.other, **said)
        assert held_by(desk.manager) == 2
        tick(UNTIL + days(1))
        assert (held_by(desk.liaison), held_by(desk.manager)) == (2, 0)


def test_seats_that_are_left_lose_nothing(desk):
    with practice_scope(desk.practice):
        away(desk)
        leave(desk.other, now=at(TODAY))
        tick(TODAY + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 2)
        tick(UNTIL + days(1))
        assert held_by(desk.liaison) == 2


def test_who_was_away_and_left_gets_nothing_back(desk):
    with practice_scope(desk.practice):
        away(desk)
        leave(desk.liaison, now=at(TODAY))
        tick(UNTIL + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (2, 0)
        assert not Reminder.objects.filter(handed_over_until__isnull=False).exists()


def test_colleague_has_what_is_about_patients_only_while_covering(desk):
    with practice_scope(desk.practice):
        row = referral(desk, TODAY - days(3))
        move(row, to="seen", seen_on=TODAY, by=desk.physician, now=at(TODAY))
        remind(now=at(TODAY))
        about = {"stand_in": desk.colleague, "until": UNTIL, "by": desk.manager, "now": at(TODAY)}
        assert arrange_stand_in(desk.physician, **about).kept == 1
        days_of_cover = {"starts_on": TODAY + days(1), "ends_on": UNTIL, "created_by": desk.physician}
        Cover.objects.create(physician=desk.physician, covered_by=desk.colleague, **days_of_cover)
        report = Reminder.objects.get(rule="report_backs")
        for day, member in ((TODAY, desk.physician), (TODAY + days(1), desk.colleague)):
            tick(day)
            report.refresh_from_db()
            assert report.member == member


def test_tick_twice_changes_nothing(desk):
    with practice_scope(desk.practice):
        away(desk)
        tick(TODAY + days(1))
        before = list(Reminder.objects.order_by("pk").values())
        tick(TODAY + days(1))
        assert list(Reminder.objects.order_by("pk").values()) == before


def arranged(client, desk, **said):
    client.force_login(desk.manager.user)
    return client.post(reverse("reminders_load", args=[desk.liaison.pk]), said, follow=True)


def test_manager_arranges_it_and_everybody_sees_for_whom(client, desk):
    page = arranged(client, desk, to=desk.other.pk, until=UNTIL.isoformat()).content.decode()
    assert "Other Liaison stands in until Friday, November 27. 2 handed over to Other Liaison." in page
    assert "Other Liaison stands in until November 27" in " ".join(page.split())
    client.force_login(desk.other.user)
    mine = " ".join(client.get(reverse("reminders")).content.decode().split())
    assert mine.count(f"for {desk.liaison.name}, until November 27") == 2


def test_undone_it_is_as_before(client, desk):
    shown = arranged(client, desk, to=desk.other.pk, until=UNTIL.isoformat())
    (message,) = shown.context["messages"]
    client.post(message.extra_tags)
    with practice_scope(desk.practice):
        tick(TODAY + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (0, 2)


def test_page_says_who_stands_in_and_ends_it(client, desk):
    arranged(client, desk, to=desk.other.pk, until=UNTIL.isoformat())
    page = client.get(reverse("reminders_load", args=[desk.liaison.pk]))
    assert "Other Liaison stands in until Friday, November 27" in page.content.decode()
    assert "is back" in page.content.decode()
    arranged(client, desk, is_back="1")
    with practice_scope(desk.practice):
        assert held_by(desk.liaison) == 2
        assert not StandIn.objects.exists()


@pytest.mark.parametrize(
    ("until", "error"),
    [
        ((TODAY - days(1)).isoformat(), "Choose today or a day to come."),
        ("0001-01-01", "Enter a date between 1900 and 2199."),
        ("soon", "Enter a valid date."),
    ],
)
def test_day_that_is_none_is_refused(client, desk, until, error):
    answer = arranged(client, desk, to=desk.other.pk, until=until)
    assert (answer.status_code, error in answer.content.decode()) == (422, True)


def test_nobody_who_is_away_stands_in(client, desk):
    with practice_scope(desk.practice):
        said = {"stand_in": desk.liaison, "until": UNTIL, "by": desk.manager, "now": at(TODAY)}
        arrange_stand_in(desk.other, **said)
    answer = arranged(client, desk, to=desk.other.pk, until=date(2026, 12, 24).isoformat())
    assert answer.status_code == 422
    assert "Other Liaison is away, too." in answer.content.decode()


def test_for_good_it_does_not_come_back(client, desk):
    arranged(client, desk, to=desk.other.pk, until="")
    with practice_scope(desk.practice):
        tick(UNTIL + days(1))
        assert (held_by(desk.other), held_by(desk.liaison)) == (2, 0)
