"""By hand what the tick does by itself."""

from datetime import date

import pytest
import time_machine
from django.core.management import CommandError, call_command

from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from touchpoints.models import ThankYouList

MONDAY = "2026-11-23T18:00:00Z"


@pytest.fixture
def practices(db):
    made = [make.practice(name, starts_on=date(2026, 11, 9)) for name in ("Harbor", "Hill")]
    for practice in made:
        physician, coordinator = (
            make.member(Role.PHYSICIAN, practice),
            make.member(Role.COORDINATOR, practice),
        )
        with practice_scope(practice):
            make.referral(coordinator, physician=physician, received_on=date(2026, 11, 17))
    return made


def lists_of(practice) -> list[str]:
    with practice_scope(practice):
        return [str(found.week) for found in ThankYouList.objects.all()]


@time_machine.travel(MONDAY, tick=False)
def test_it_makes_the_lists_of_every_practice_once(practices, capsys):
    for _ in range(2):
        call_command("make_thank_you_lists", week="2026-W47")
    assert [lists_of(practice) for practice in practices] == [["2026-W47"], ["2026-W47"]]
    assert capsys.readouterr().out.splitlines() == [
        "Harbor: 1 lists made through 2026-W47",
        "Hill: 1 lists made through 2026-W47",
        "Harbor: 0 lists made through 2026-W47",
        "Hill: 0 lists made through 2026-W47",
    ]


@time_machine.travel(MONDAY, tick=False)
def test_of_one_practice_alone(practices):
    call_command("make_thank_you_lists", week="2026-W47", practice=practices[1].pk)
    assert [lists_of(practice) for practice in practices] == [[], ["2026-W47"]]


@time_machine.travel(MONDAY, tick=False)
@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"week": "2026-W48"}, "2026-W48 has not ended yet in Harbor"),
        ({"week": "2026-W54"}, "Invalid week: 54"),
        ({"week": "last week"}, "is not a week such as 2026-W47"),
        ({"week": "2026-W47", "practice": 0}, "There is no practice 0"),
    ],
)
def test_what_can_not_be_made_is_said_in_a_sentence(practices, arguments, sentence):
    with pytest.raises(CommandError, match=sentence):
        call_command("make_thank_you_lists", **arguments)
    assert [lists_of(practice) for practice in practices] == [[], []]
