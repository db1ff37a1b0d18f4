"""The command: the same rows again, any size, and nothing where there is no demo."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from contacts.models import Provider, Referral
from practices.isolation import current_practice_id, practice_scope
from practices.models import Practice
from referralcrm.seeding.making import seed, seed_demo_if_empty
from referralcrm.seeding.plans import plans_of
from tests import make
from tests.seeding.conftest import UNTIL
from tests.seeding.snapshot import snapshot


@pytest.fixture(autouse=True)
def in_a_demo(settings):
    settings.DEMO = True


def seeded(seed_number=1, *, practices=1, referrals=400, processes=1, until=UNTIL):
    plans = plans_of(practices=practices, referrals=referrals)
    return seed(plans, seed_number=seed_number, until=until, processes=processes)


@pytest.mark.django_db
def test_the_same_seed_and_date_give_the_same_rows():
    once, again = seeded(), seeded()
    assert snapshot(once[0]) == snapshot(again[0])


@pytest.mark.django_db
def test_another_seed_or_another_date_gives_other_rows():
    base = snapshot(seeded()[0])
    assert snapshot(seeded(2)[0]) != base
    assert snapshot(seeded(until=UNTIL - timedelta(days=1))[0]) != base


@pytest.mark.django_db(transaction=True)
def test_several_processes_make_the_rows_that_one_makes():
    one = [snapshot(practice) for practice in seeded(practices=2, referrals=1600)]
    several = [snapshot(practice) for practice in seeded(practices=2, referrals=1600, processes=2)]
    assert several == one


@pytest.mark.django_db
def test_as_many_practices_and_referrals_as_asked_for():
    call_command("seed", "--practices", "3", "--referrals", "1000", "--until", str(UNTIL), "--processes", "1")
    counts = []
    for practice in Practice.objects.all():
        with practice_scope(practice):
            counts.append(Referral.objects.count())
    assert sorted(counts) == [333, 333, 334]


@pytest.mark.django_db
def test_a_practice_with_a_single_referral_can_be_made():
    (practice,) = seeded(referrals=1)
    with practice_scope(practice):
        assert Referral.objects.count() == 1
        assert Provider.objects.exclude(referrals=None).count() <= 1


@pytest.mark.django_db
def test_no_practice_is_left_entered():
    seeded(practices=2, referrals=100)
    assert current_practice_id() is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM contacts_referral")
        assert cursor.fetchone() == (0,)


@pytest.mark.django_db
def test_the_demo_is_made_once(capsys):
    call_command("seed", "--demo-if-empty")
    call_command("seed", "--demo-if-empty")
    assert Practice.objects.count() == 2
    assert "There is a practice already." in capsys.readouterr().out


@pytest.mark.django_db
def test_the_demo_leaves_a_real_practice_alone():
    make.practice()
    call_command("seed", "--demo-if-empty")
    assert Practice.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_two_starts_at_once_make_one_demo():
    def start(_number):
        try:
            return len(seed_demo_if_empty(UNTIL))
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        assert sorted(pool.map(start, range(2))) == [0, 2]
    assert Practice.objects.count() == 2


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [["--demo-if-empty"], ["--practices", "1", "--referrals", "10"]])
def test_nothing_is_invented_where_there_is_no_demo(settings, arguments):
    settings.DEMO = False
    with pytest.raises(CommandError, match="DEMO=1"):
        call_command("seed", *arguments)
    assert not Practice.objects.exists()


@pytest.mark.django_db
def test_an_end_in_the_future_is_refused():
    tomorrow = timezone.now().date() + timedelta(days=1)
    with pytest.raises(CommandError, match="can't lie after"):
        call_command("seed", "--until", str(tomorrow))


@pytest.mark.django_db
def test_more_practices_than_referrals_are_refused():
    with pytest.raises(CommandError, match="At least one"):
        call_command("seed", "--practices", "3", "--referrals", "2")
