"""The liaison's visits to offices: oftener where more is meant, by tier."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from contacts.models import Provider
from referralcrm.seeding.loading import NO_BYTES, load, reserve_ids
from referralcrm.seeding.network import Network
from referralcrm.seeding.patients import sealed
from referralcrm.seeding.thanks import TOUCHPOINT_COLUMNS
from referralcrm.seeding.words import VISIT_NOTES
from touchpoints.models import Touchpoint

DAYS_BETWEEN = {Provider.Tier.A: 40, Provider.Tier.B: 75, Provider.Tier.C: 240}
WITHOUT_A_NAME = 0.3  # of the visits: nobody but the office was met


def write_visits(network: Network, rng: Random) -> None:
    """Meetings of the last two years in the liaison's offices."""
    visits = sorted(_visits(network, rng), key=lambda visit: (visit[0], visit[1].pk))
    practice_id, liaison_id = network.practice.pk, network.staff.liaison.pk
    notes = [sealed(practice_id, Touchpoint, "note", note) for note in VISIT_NOTES]
    rows = []
    for pk, (day, provider) in zip(reserve_ids(Touchpoint, len(visits)), visits, strict=True):
        provider_id = None if rng.random() < WITHOUT_A_NAME else provider.pk
        at = network.days.moment(day, 60 + rng.randrange(400))
        rows.append(
            (
                pk,
                practice_id,
                Touchpoint.Kind.MEETING,
                day,
                provider_id,
                network.main_office[provider.pk],
                None,
                liaison_id,
                False,
                rng.choice(notes),
                at,
                liaison_id,
                NO_BYTES,
                "",
                NO_BYTES,
            )
        )
    load(Touchpoint, TOUCHPOINT_COLUMNS, rows)


def _visits(network: Network, rng: Random) -> Iterator[tuple[date, Provider]]:
    yesterday = network.days.until - timedelta(days=1)
    for provider in network.providers:
        if provider.liaison is None or not provider.is_active:
            continue
        between = DAYS_BETWEEN[Provider.Tier(provider.tier)]
        day = network.days.first + timedelta(days=rng.randrange(between))
        while (visit := network.days.business_day(day, 0)) <= yesterday:
            yield visit, provider
            day += timedelta(days=rng.randint(between * 3 // 4, between * 5 // 4))
