"""Their side of an invented practice: offices, who works there, and the providers who refer or could."""

from collections import defaultdict
from random import Random

from contacts.models import Office, OfficeContact, Provider, ProviderOffice, Specialty
from contacts.npi import check_digit
from contacts.search import folded, provider_search
from contacts.specialties import add_specialties
from practices.models import Practice
from referralcrm.seeding.days import Days
from referralcrm.seeding.loading import load_instances, reserve_ids
from referralcrm.seeding.plans import Career, Plan
from referralcrm.seeding.specialties import COMMON, KINDS, OPEN_OFFICES, SPECIAL_OFFICES, Kind
from referralcrm.seeding.staff import Staff, phone, street
from referralcrm.seeding.words import (
    CLINICIAN_NAMES,
    CONTACT_JOBS,
    GIVEN_NAMES,
    LANGUAGES,
    OFFICE_NOTES,
    OFFICE_WORDS,
    PAYERS,
    PERSONAL_NOTES,
    PLACES,
    STATE,
)

DAYS_IN_OFFICE = ("", "Mon to Thu", "Mon, Wed, Fri", "Tue, Thu", "Mon to Fri")
TWINS = slice(3, 5)  # referring providers whom somebody has entered a second time


class Network:
    """Offices and providers of one practice, the referring ones first and in the order of their careers."""

    def __init__(
        self, plan: Plan, practice: Practice, staff: Staff, found: list[Career], days: Days, rng: Random
    ) -> None:
        self.plan, self.practice, self.staff, self.days, self.rng = plan, practice, staff, days, rng
        self.careers = found
        self.kinds: dict[int, Kind] = {}
        self.entered_first: dict[int, int] = {}
        self.offices = self._offices()
        self.providers = self._providers()
        self.places = self._places()
        self.main_office = {place.provider_id: place.office_id for place in self.places if place.is_main}
        self.second_office = {
            place.provider_id: place.office_id for place in self.places if not place.is_main
        }

    def write(self) -> None:
        """Insert everything, with what search finds it by."""
        self._describe()
        load_instances(Office, self.offices)
        load_instances(OfficeContact, self._contacts())
        load_instances(Provider, self.providers)
        load_instances(ProviderOffice, self.places)

    def _offices(self) -> list[Office]:
        made = [self._office(pk, place) for place, pk in enumerate(reserve_ids(Office, self.plan.offices))]
        first, twin = made[2], made[-1]  # entered twice
        twin.name = f"{first.name} LLC"
        twin.street, twin.city, twin.zip_code = first.street, first.city, first.zip_code
        return made

    def _office(self, pk: int, place: int) -> Office:
        rng = self.rng
        city, zip_code = rng.choice(PLACES)
        round_, word = divmod(place, len(OFFICE_WORDS))
        number = f" {round_ + 1}" if round_ > 1 else ""
        return Office(
            pk=pk,
            practice=self.practice,
            name=f"{OFFICE_WORDS[word]} {_office_kind(place)}{number}",
            street=street(rng),
            suite=f"Suite {rng.randint(1, 40)}" if rng.random() < 0.4 else "",
            city=city,
            state=STATE,
            zip_code=zip_code,
            phone=phone(rng),
            fax=phone(rng),
            liaison=self.staff.liaison if rng.random() < 0.7 else None,
            notes=rng.choice(OFFICE_NOTES) if rng.random() < 0.25 else "",
            created_at=self.days.moment(self.days.starts_on, 30),
        )

    def _contacts(self) -> list[OfficeContact]:
        rng = self.rng
        jobs = [(office, CONTACT_JOBS[rng.randrange(2)]) for office in self.offices]
        jobs += [
            (office, CONTACT_JOBS[2 + rng.randrange(2)]) for office in self.offices if rng.random() < 0.5
        ]
        return [
            OfficeContact(
                pk=pk,
                practice=self.practice,
                office=office,
                name=f"{rng.choice(GIVEN_NAMES)} {rng.choice(CLINICIAN_NAMES)}",
                job=job,
                phone=office.phone,
            )
            for pk, (office, job) in zip(reserve_ids(OfficeContact, len(jobs)), jobs, strict=True)
        ]

    def _providers(self) -> list[Provider]:
        specialties = self._specialties()
        count = len(self.careers) + self.plan.prospects
        first_number = self.rng.randrange(10**8)
        made = []
        for place, (pk, kind) in enumerate(
            zip(reserve_ids(Provider, count), self._kinds(count), strict=True)
        ):
            nine = f"1{(first_number + place * 7919) % 10**8:08d}"
            provider = self._provider(pk, place, nine + check_digit(nine))
            provider.credentials, provider.specialty = kind.credentials, specialties[kind.code]
            self.kinds[pk] = kind
            made.append(provider)
        self._enter_twice(made)
        return made

    def _kinds(self, count: int) -> list[Kind]:
        """The top fifth are of the common kinds; among the others every kind occurs."""
        top = self.rng.choices(COMMON, [kind.weight for kind in COMMON], k=len(self.careers) // 5)
        others = [*KINDS, *self.rng.choices(KINDS, [kind.weight for kind in KINDS], k=count)][
            : count - len(top)
        ]
        self.rng.shuffle(others)
        return top + others

    def _specialties(self) -> dict[str, Specialty]:
        add_specialties(self.practice)
        return {specialty.code: specialty for specialty in Specialty.objects.all()}

    def _provider(self, pk: int, place: int, npi: str) -> Provider:
        rng = self.rng
        career = self.careers[place] if place < len(self.careers) else None
        # Its own, so that what is drawn from it moves nothing else.
        own = Random(npi)  # noqa: S311  # invents, and guards nothing
        accepting = rng.choice([True, True, True, False, None])
        return Provider(
            pk=pk,
            practice=self.practice,
            family_name=rng.choice(CLINICIAN_NAMES),
            given_name=rng.choice(GIVEN_NAMES),
            npi=npi if rng.random() < 0.92 else None,
            phone=phone(rng),
            fax=phone(rng),
            preferred_contact=rng.choice(["", *Provider.Contact.values]),
            days_in_office=rng.choice(DAYS_IN_OFFICE),
            is_accepting_patients=accepting,
            accepting_confirmed_on=None if accepting is None else self.days.starts_on,
            languages=list(own.choice(LANGUAGES)),
            payers=own.sample(PAYERS[:-1], own.choice((0, 2, 3, 4, 5))),
            personal_notes=rng.choice(PERSONAL_NOTES) if rng.random() < 0.15 else "",
            tier=career.tier if career else Provider.Tier.C,
            state=career.state if career else Provider.State.ACTIVE,
            created_at=self.days.moment(career.first if career else self.days.starts_on, 45),
        )

    def _enter_twice(self, made: list[Provider]) -> None:
        """The last prospects are referring providers whom somebody did not find: other spelling, no NPI."""
        for first, twin in zip(made[TWINS], reversed(made), strict=False):
            twin.family_name, twin.given_name = folded(first.family_name).title(), first.given_name
            twin.credentials, twin.specialty, twin.npi = first.credentials, first.specialty, None
            twin.phone = first.phone
            self.entered_first[twin.pk] = first.pk

    def _places(self) -> list[ProviderOffice]:
        rng, pairs = self.rng, []
        mains: dict[int | None, Office] = {}
        of_kind: dict[str, list[Office]] = defaultdict(list)
        for place, office in enumerate(self.offices[:-1]):
            of_kind[_office_kind(place)].append(office)
        open_ones = [office for kind in OPEN_OFFICES for office in of_kind[kind]]
        for provider in self.providers:
            fitting = of_kind[self.kinds[provider.pk].office] or open_ones
            main, second = fitting[int(rng.random() ** 1.4 * len(fitting))], rng.choice(self.offices)
            main = mains[provider.pk] = mains.get(self.entered_first.get(provider.pk), main)
            pairs.append((provider, main, True))
            if rng.random() < 0.15 and second is not main:
                pairs.append((provider, second, False))
        return [
            ProviderOffice(pk=pk, practice=self.practice, provider=provider, office=office, is_main=is_main)
            for pk, (provider, office, is_main) in zip(
                reserve_ids(ProviderOffice, len(pairs)), pairs, strict=True
            )
        ]

    def _describe(self) -> None:
        places: dict[int, list[str]] = {}
        for place in self.places:
            places.setdefault(place.provider_id, []).append(f"{place.office.name} {place.office.city}")
            if place.is_main:
                place.provider.liaison = place.office.liaison
        for provider in self.providers:
            provider.search = provider_search(provider, places[provider.pk])
        for office in self.offices:
            office.search = folded(
                f"{office.name} {office.street} {office.city} {office.zip_code} {office.phone}"
            )


def _office_kind(place: int) -> str:
    """Every third office is a special one."""
    third, rest = divmod(place, 3)
    if rest == 2:
        return SPECIAL_OFFICES[third % len(SPECIAL_OFFICES)]
    return OPEN_OFFICES[place % len(OPEN_OFFICES)]
