"""Invented patients, sealed as the database keeps them."""

from datetime import date
from functools import cache, partial
from random import Random
from typing import NamedTuple

from django.db import models

from contacts.models import Referral
from contacts.models.referrals import patient_indexes
from practices.encryption import encrypt
from referralcrm.seeding.loading import NO_BYTES, as_bytea
from referralcrm.seeding.words import GIVEN_NAMES, PATIENT_NAMES

OLDEST, YOUNGEST = date(1934, 1, 1).toordinal(), date(2019, 12, 31).toordinal()
WITH_CHART = 0.6  # the others have no chart with us yet


class Patient(NamedTuple):
    """What a referral's patient columns hold, as COPY reads it."""

    family_name: str
    given_name: str
    born_on: str | None
    chart_number: str
    name_birth_index: str | None
    name_initial_index: str | None
    chart_index: str | None


NOBODY_YET = Patient(NO_BYTES, NO_BYTES, None, NO_BYTES, None, None, None)


def sealed(practice_id: int, model: type[models.Model], field: str, text: str) -> str:
    """A text as that field keeps it, and COPY reads it."""
    return as_bytea(encrypt(text, practice_id=practice_id, field=model._meta.get_field(field).label))


class Patients:
    """Patients of one physician; some come again."""

    def __init__(self, practice_id: int, rng: Random, *, charts_from: int) -> None:
        self.practice_id, self.rng, self.charts_from = practice_id, rng, charts_from
        self.known: list[Patient] = []
        self.sealed = cache(partial(sealed, practice_id))

    def draw(self) -> Patient:
        """A patient for the next referral."""
        random = self.rng.random
        if self.known and random() < 0.1:
            return self.known[int(random() * len(self.known))]
        family_name = PATIENT_NAMES[int(random() * len(PATIENT_NAMES))]
        given_name = GIVEN_NAMES[int(random() * len(GIVEN_NAMES))]
        born_on = date.fromordinal(OLDEST + int(random() * (YOUNGEST - OLDEST)))
        chart_number = f"H{self.charts_from + len(self.known):07d}" if random() < WITH_CHART else ""
        patient = self._patient(family_name, given_name, born_on, chart_number)
        self.known.append(patient)
        return patient

    def _patient(self, family_name: str, given_name: str, born_on: date, chart_number: str) -> Patient:
        indexes = patient_indexes(
            family_name=family_name,
            given_name=given_name,
            born_on=born_on,
            chart_number=chart_number,
            practice_id=self.practice_id,
        )
        return Patient(
            self.sealed(Referral, "patient_family_name", family_name),
            self.sealed(Referral, "patient_given_name", given_name),
            sealed(self.practice_id, Referral, "patient_born_on", born_on.isoformat()),
            sealed(self.practice_id, Referral, "patient_chart_number", chart_number),
            *[
                as_bytea(index) if index else None
                for index in (indexes.name_birth, indexes.name_initial, indexes.chart)
            ],
        )
