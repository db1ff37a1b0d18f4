"""The manager reads and tunes the rules, and sees what a change would do before it is done."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from practices.isolation import practice_scope
from practices.models import Member
from practices.roles import Role
from tests import make
from tests.touchpoints.reminding import new_desk, provider, touched
from touchpoints.models import Reminder, RuleSetting
from touchpoints.reminder_rules import RULES
from touchpoints.reminders import remind

pytestmark = pytest.mark.django_db
IN_TOUCH = {"is_on": "on", "A": "30", "B": "60", "C": "120", "owner": ""}


@pytest.fixture
def desk():
    today = timezone.localdate()
    made = new_desk(starts_on=today - timedelta(days=300))
    with practice_scope(made.practice):
        for tier, ago in (("A", 31), ("A", 40), ("B", 50), ("C", 80)):
            touched(made, provider(tier=tier), today - timedelta(days=ago))
        remind(now=timezone.now())
    return made


@pytest.fixture
def manager(client, desk):
    client.force_login(desk.manager.user)
    return client


def url(rule="in_touch"):
    return reverse("reminder_rule", args=[rule])


def open_ones(desk):
    with practice_scope(desk.practice):
        return set(Reminder.objects.open().filter(rule="in_touch").values_list("provider__tier", "member"))


def stored(desk):
    with practice_scope(desk.practice):
        return list(RuleSetting.objects.values_list("rule", "is_on", "numbers", "owner"))


def seen(answer):
    return {"seen": answer.context["form"].what_is_seen}


def test_every_rule_says_what_it_does_whose_it_is_and_how_many_are_open(manager, desk):
    text = manager.get(reverse("reminder_rules")).content.decode()

    for rule in RULES.values():
        assert str(rule.title) in text and rule.in_words({}) in text
        assert url(rule.key) in text
    assert "for 30 days in tier A, 60 days in tier B, 120 days in tier C" in text
    assert f"their office, otherwise {desk.liaison.name}." in text
    assert "A planned meeting, 1 day before." in text
    assert "3 are open." in text  # two of tier A, and tier B's within two weeks


def test_change_is_shown_before_it_is_saved(manager, desk):
    before = open_ones(desk)
    answer = manager.post(url(), {**IN_TOUCH, "A": "60", "C": "90"})

    assert answer.status_code == 200
    assert answer.context["changes"] == [
        "1 reminder is made; 0 of them are due by today.",
        "2 open reminders close.",
    ]
    assert "If you save this" in answer.content.decode()
    assert (stored(desk), open_ones(desk)) == ([], before)


def test_what_was_shown_is_what_saving_does(manager, desk):
    change = {**IN_TOUCH, "A": "60", "C": "90"}
    shown = manager.post(url(), change)
    answer = manager.post(url(), {**change, **seen(shown)}, follow=True)

    assert answer.redirect_chain == [(reverse("reminder_rules"), 302)]
    assert (
        "Saved. 1 reminder is made; 0 of them are due by today. 2 open reminders close."
        in answer.content.decode()
    )
    assert stored(desk) == [("in_touch", True, {"A": 60, "B": 60, "C": 90}, None)]
    assert {tier for tier, _who in open_ones(desk)} == {"B", "C"}


def test_switched_off_it_closes_all_and_switched_on_again_they_are_back(manager, desk):
    before = open_ones(desk)
    off = {name: value for name, value in IN_TOUCH.items() if name != "is_on"}
    shown = manager.post(url(), off)
    assert shown.context["changes"] == ["3 open reminders close."]
    manager.post(url(), {**off, **seen(shown)})
    assert open_ones(desk) == set()
    assert "Off" in manager.get(reverse("reminder_rules")).content.decode()

    shown = manager.post(url(), IN_TOUCH)
    assert shown.context["changes"] == ["3 reminders are made; 2 of them are due by today."]
    manager.post(url(), {**IN_TOUCH, **seen(shown)})
    assert open_ones(desk) == before


def test_chosen_member_has_what_nobody_has(manager, desk):
    change = {**IN_TOUCH, "owner": desk.coordinator.pk}
    shown = manager.post(url(), change)
    assert shown.context["changes"] == ["3 reminders change their day, member or wording."]
    manager.post(url(), {**change, **seen(shown)})

    assert {who for _tier, who in open_ones(desk)} == {desk.coordinator.pk}


def test_owner_must_be_able_to_do_it(manager, desk):
    other = make.practice("Elsewhere")
    stranger = make.member(Role.LIAISON, other)
    with practice_scope(desk.practice):
        gone = make.member(Role.LIAISON, desk.practice, left_at=timezone.now())
    for who in (desk.physician, stranger, gone):
        answer = manager.post(url(), {**IN_TOUCH, "owner": who.pk})
        assert answer.status_code == 422
        assert "owner" in answer.context["form"].errors


def test_what_somebody_else_changed_meanwhile_is_shown_anew(manager, desk):
    change = {**IN_TOUCH, "A": "60"}
    shown = manager.post(url(), change)
    with practice_scope(desk.practice):
        RuleSetting.objects.create(rule="in_touch", numbers={"A": 45})
    answer = manager.post(url(), {**change, **seen(shown)})

    assert answer.status_code == 200
    assert stored(desk)[0][2] == {"A": 45}
    manager.post(url(), {**change, **seen(answer)})
    assert stored(desk)[0][2] == {"A": 60, "B": 60, "C": 120}


def test_second_press_changes_nothing_more(manager, desk):
    change = {**IN_TOUCH, "A": "60"}
    shown = manager.post(url(), change)
    for _press in range(2):
        manager.post(url(), {**change, **seen(shown)})

    assert len(stored(desk)) == 1
    with practice_scope(desk.practice):
        assert Reminder.objects.filter(rule="in_touch").count() == 3


@pytest.mark.parametrize("value", ["", "0", "6", "366", "a month"])
def test_number_out_of_its_bounds_is_refused_beside_its_field(manager, desk, value):
    answer = manager.post(url(), {**IN_TOUCH, "A": value})

    assert answer.status_code == 422
    assert "A" in answer.context["form"].errors
    assert stored(desk) == []


def test_no_rule_of_that_name_is_no_page(manager):
    assert manager.get(url("no-rule")).status_code == 404


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_can_be_opened_previewed_and_saved_as_it_comes(manager, desk, rule):
    numbers = {number.name: number.default for number in RULES[rule].numbers}
    assert manager.get(url(rule)).status_code == 200
    shown = manager.post(url(rule), {"is_on": "on", **numbers})
    assert shown.context["changes"] == ["No reminder is made or closed."]

    assert manager.post(url(rule), {"is_on": "on", **numbers, **seen(shown)}).status_code == 302
    assert stored(desk) == [(rule, True, numbers, None)]


def test_pages_cost_at_most_twelve_queries_however_many_reminders(manager, desk):
    def queries(method, *args):
        with CaptureQueriesContext(connection) as captured:
            assert method(*args).status_code == 200
        return len(captured)

    def asked():
        return [
            queries(manager.get, reverse("reminder_rules")),
            queries(manager.get, url()),
            queries(manager.post, url(), {**IN_TOUCH, "A": "60"}),
        ]

    few = asked()
    with practice_scope(desk.practice):
        for _one in range(4):
            touched(desk, provider(tier="A"), timezone.localdate() - timedelta(days=35))
        remind(now=timezone.now())

    assert asked() == few
    assert max(few[:2]) <= 12
    assert few[2] <= 15  # a preview asks the rule as well


def test_owner_who_leaves_owns_nothing_more(manager, desk):
    change = {**IN_TOUCH, "owner": desk.coordinator.pk}
    shown = manager.post(url(), change)
    manager.post(url(), {**change, **seen(shown)})
    with practice_scope(desk.practice):
        Member.objects.filter(pk=desk.coordinator.pk).update(left_at=timezone.now())
        remind(now=timezone.now())

    assert {who for _tier, who in open_ones(desk)} == {desk.liaison.pk}
    assert f"otherwise {desk.liaison.name}." in manager.get(reverse("reminder_rules")).content.decode()


@pytest.mark.parametrize(
    ("rule", "numbers", "field"),
    [
        ("new_referrers", {"first": "300", "second": "14"}, "second"),
        ("new_referrers", {"first": "90", "second": "90"}, "second"),
        ("in_touch", {"A": "300", "B": "10", "C": "120"}, "B"),
        ("in_touch", {"A": "30", "B": "30", "C": "29"}, "C"),
    ],
)
def test_numbers_that_would_silence_each_other_are_refused(manager, desk, rule, numbers, field):
    answer = manager.post(url(rule), {"is_on": "on", "owner": "", **numbers})

    assert answer.status_code == 422
    assert list(answer.context["form"].errors) == [field]
    assert stored(desk) == []


def test_tiers_may_ask_for_the_same_interval(manager):
    answer = manager.post(url(), {**IN_TOUCH, "A": "60"})

    assert answer.context["changes"]
