"""Makes invented practices: their people one practice after the other, their referrals in several processes."""

import gc
import os
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from itertools import chain
from multiprocessing import get_context
from random import Random

from django.db import connection, connections, models, transaction

from contacts.models import Office, Provider, ProviderOffice, Referral, ReferralStep
from practices.isolation import practice_scope
from practices.models import Practice
from practices.weeks import due_week
from referralcrm.seeding.calls import write_calls
from referralcrm.seeding.days import WEEKS_SINCE_START, ZONE, Days, days_until
from referralcrm.seeding.feedback import write_feedback
from referralcrm.seeding.loading import load, load_lines, prefer_indexes, refresh_statistics, reserve_ids
from referralcrm.seeding.meetings import write_meetings
from referralcrm.seeding.network import Network
from referralcrm.seeding.plans import DEMO_PLANS, Career, Plan, careers
from referralcrm.seeding.referrals import REFERRAL_COLUMNS, STEP_COLUMNS, Referrals, Sender, Unit
from referralcrm.seeding.sent import write_return_referrals
from referralcrm.seeding.specialties import OWN_SPECIALTIES
from referralcrm.seeding.staff import Staff, make_practice, make_staff
from referralcrm.seeding.thanks import LINK_COLUMNS, LIST_COLUMNS, ROW_COLUMNS, TOUCHPOINT_COLUMNS, Thanks
from referralcrm.seeding.visits import write_visits
from touchpoints.models import ThankYou, ThankYouList, ThankYouReferral, Touchpoint
from touchpoints.reminders import remind

DEMO_SEED = 1
BATCH = 10_000  # referrals: a temporary table costs milliseconds, and memory is not endless
# What asks a practice of so many referrals or providers, as if it had none, takes minutes.
LARGE, MANY_PROVIDERS = 50_000, 5_000
SEEDING_LOCK = 73_057_305  # one number for everybody who seeds
AT_HOME = 0.75  # of a provider's patients go to the physician they know


@transaction.atomic
def seed_demo_if_empty(until: date) -> list[Practice]:
    """The demo's practices, all of it or nothing; none when there is a practice already. Two at once: one."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [SEEDING_LOCK])
    if Practice.objects.exists():
        return []
    return seed(DEMO_PLANS, seed_number=DEMO_SEED, until=until, processes=1)


def seed(
    plans: Iterable[Plan], *, seed_number: int, until: date, processes: int | None = None
) -> list[Practice]:
    """Make these practices as of the morning of `until`. The same arguments give the same rows.

    With one process it stays in the transaction it is called in; with more, each practice's people and then
    their referrals are committed as they come, so a crash leaves part.
    """
    plans, days, made = list(plans), days_until(until), []
    processes = processes or min(os.cpu_count() or 1, 4)
    with _writing(processes, is_shared=len(plans) < 2 * processes) as write:
        for number, plan in enumerate(plans, start=1):
            text = f"{seed_number}/{number}/{plan.referrals}"
            network, staff = _make_people(plan, days, text)
            if number == 1 and processes > 1:
                refresh_statistics(Office, Provider)
            made.append((network.practice, write(_prepare(network, staff, text))))
        # In the order of the practices, so that the same rows get the same numbers.
        for plan, (practice, wait) in zip(plans, made, strict=True):
            wait()
            if processes > 1 and _is_large(plan):
                refresh_statistics(Office, Provider, ProviderOffice, Referral, Touchpoint)
            _finish(practice, days, shows_everything=bool(plan.domain))
    return [practice for practice, _wait in made]


def _is_large(plan: Plan) -> bool:
    return plan.referrals >= LARGE or plan.referring + plan.prospects >= MANY_PROVIDERS


@contextmanager
def _writing(processes: int, *, is_shared: bool) -> Iterator[Callable[[list[Unit]], Callable[[], None]]]:
    """Write units at once, or in other processes while the next practice is prepared here; what is given back
    waits until they are written.

    `is_shared`: several processes share a practice; otherwise each has one to itself, and they meet no lock.
    """
    if processes == 1:
        yield _write_at_once
        return
    connections.close_all()  # a connection must not be shared with the processes forked
    # A unit's rows hold no cycles, and looking for some among them took a sixth of the time.
    with ProcessPoolExecutor(processes, mp_context=get_context("fork"), initializer=gc.disable) as pool:
        pool.submit(os.getpid).result()  # forks them all, before there is a connection here again

        def write(units: list[Unit]) -> Callable[[], None]:
            tasks = [[unit] for unit in units] if is_shared else [units]
            return partial(_wait_for, [pool.submit(write_units, task) for task in tasks])

        yield write


def _write_at_once(units: list[Unit]) -> Callable[[], None]:
    write_units(units)
    return partial(_wait_for, [])


def _wait_for(futures: Iterable[Future]) -> None:
    for future in futures:
        future.result()


def _make_people(plan: Plan, days: Days, text: str) -> tuple[Network, Staff]:
    rng = Random(text)  # noqa: S311  # invents, and guards nothing
    with transaction.atomic():
        practice = make_practice(plan, days)
        with practice_scope(practice):
            staff = make_staff(plan, practice, days, rng)
            network = Network(plan, practice, staff, careers(plan, days, rng), days, rng)
            network.write()
    return network, staff


def _prepare(network: Network, staff: Staff, text: str) -> list[Unit]:
    with practice_scope(network.practice):
        prefer_indexes()
        write_visits(network, network.rng)
        return list(_units(network, staff, text, network.rng))


def _units(network: Network, staff: Staff, text: str, rng: Random) -> Iterator[Unit]:
    arrivals, first_on = _arrivals(network.careers, len(staff.physicians), network.days, rng)
    for number, physician in enumerate(staff.physicians, start=1):
        mine = arrivals[number - 1]
        yield Unit(
            practice_id=network.practice.pk,
            physician_id=physician.pk,
            coordinator_id=staff.coordinator.pk,
            liaison_id=staff.liaison.pk,
            location_ids=tuple(location.pk for location in staff.locations),
            number=number,
            specialty=OWN_SPECIALTIES[(number - 1) % len(OWN_SPECIALTIES)],
            senders={place: _sender(network, place, first_on[place]) for place in {p for _day, p in mine}},
            arrivals=mine,
            ids=_ids(mine, network.days),
            until=network.days.until,
            seed=text,
        )


def _arrivals(
    found: Sequence[Career], physicians: int, days: Days, rng: Random
) -> tuple[list[list[tuple[date, int]]], dict[int, date]]:
    """For each physician the days on which providers refer, in order; and each provider's first day."""
    by_physician: dict[int, list[tuple[date, int]]] = defaultdict(list)
    first_on = {}
    for place, career in enumerate(found):
        drawn = days.draw_arrivals(rng, career.first, career.last, career.count)
        first_on[place] = min(drawn)
        home = place % physicians
        for day in drawn:
            physician = home if rng.random() < AT_HOME else rng.randrange(physicians)
            by_physician[physician].append((day, place))
    return [sorted(by_physician[number]) for number in range(physicians)], first_on


def _sender(network: Network, place: int, first_on: date) -> Sender:
    pk = network.providers[place].pk
    second = network.second_office.get(pk)
    return Sender(pk, (network.main_office[pk], *([second] if second else [])), first_on)


def _ids(arrivals: Sequence[tuple[date, int]], days: Days) -> dict[str, range]:
    """Reserved before anything is invented, so that processes don't mix them; what is left over is a gap.

    A way has four steps on average and eleven at most; a referral half a touchpoint.
    """
    count = len(arrivals)
    since_start = sum(1 for day, _place in arrivals if day >= days.starts_on)
    most: dict[str, tuple[type[models.Model], int]] = {
        "referrals": (Referral, count),
        "steps": (ReferralStep, 6 * count + 50),
        "touchpoints": (Touchpoint, count + 50),
        "lists": (ThankYouList, WEEKS_SINCE_START + 1),
        "rows": (ThankYou, since_start),
        "links": (ThankYouReferral, since_start),
    }
    return {name: reserve_ids(model, number) for name, (model, number) in most.items()}


def write_units(units: Iterable[Unit]) -> None:
    """Invent and write referrals, lists and touchpoints of physicians of one practice."""
    batch: list[Unit] = []
    for unit in units:
        if batch and sum(len(each.arrivals) for each in batch) + len(unit.arrivals) > BATCH:
            _write_batch(batch)
            batch = []
        batch.append(unit)
    _write_batch(batch)


def _write_batch(units: Sequence[Unit]) -> None:
    with practice_scope(units[0].practice_id):
        prefer_indexes()
        practice = Practice.objects.get(pk=units[0].practice_id)
        referrals = [Referrals(unit, practice) for unit in units]
        thanks = [Thanks(each) for each in referrals]
        rows = chain.from_iterable
        load(Referral, REFERRAL_COLUMNS, rows(each.rows for each in referrals))
        load_lines(ReferralStep, STEP_COLUMNS, rows(each.step_lines() for each in referrals))
        load(Touchpoint, TOUCHPOINT_COLUMNS, rows(each.touchpoints for each in thanks))
        load(ThankYouList, LIST_COLUMNS, rows(each.lists for each in thanks))
        load(ThankYou, ROW_COLUMNS, rows(each.row_tuples() for each in thanks))
        load(ThankYouReferral, LINK_COLUMNS, rows(each.links for each in thanks))


def _finish(practice: Practice, days: Days, *, shows_everything: bool) -> None:
    """As the tick leaves it: lists made through the newest week, reminders for what waits.

    What is written one by one, as its pages do, is for the practices people look at.
    """
    newest = due_week(days.now, ZONE, practice.list_weekday, practice.list_hour)
    practice.lists_made_through = max(newest.monday, days.starts_on - timedelta(weeks=1))
    practice.save(update_fields=["lists_made_through"])
    with practice_scope(practice):
        if shows_everything:
            write_calls(days)
            write_meetings(days)
            write_return_referrals(days)
            write_feedback(days)
        remind(now=days.now)
