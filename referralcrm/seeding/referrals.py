# ruff: noqa: SIM905  # words in a row are easier to read, and to add to, than a column of them
"""The referrals sent to one of our physicians, with each step of their ways: the unit that is written at once."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from itertools import islice
from random import Random
from typing import Any

from contacts.models import Referral, ReferralStep
from contacts.models.referrals import OWES_WORD, Channel, Status, Urgency
from contacts.referral_way import set_next_action
from practices.models import Practice
from referralcrm.seeding.days import EARLIEST, LATEST, Days, days_until
from referralcrm.seeding.loading import NO_BYTES
from referralcrm.seeding.patients import NOBODY_YET, Patient, Patients
from referralcrm.seeding.specialties import OwnSpecialty
from referralcrm.seeding.ways import Act, Step, Teller
from referralcrm.seeding.words import PAYERS, STEP_NOTES

CHANNELS = [Channel.FAX.value] * 9 + [Channel.PHONE.value] * 4 + [Channel.PORTAL.value, Channel.EHR.value] * 3
CHANNELS += [Channel.EMAIL.value, Channel.LETTER.value, Channel.PATIENT.value]
URGENCIES = [Urgency.ROUTINE.value] * 16 + [Urgency.URGENT.value] * 3 + [Urgency.STAT.value]
ENDS_OF_WORD = frozenset(OWES_WORD)
ON_THE_WAY = frozenset({Status.RECEIVED, Status.CONTACTED, Status.SCHEDULED})
# Of the newest referrals of a physician, counted from the end: what is still open about them.
NO_PROVIDER, NO_PHYSICIAN, NO_PATIENT = (3, 12), (6,), (5,)
UNTOUCHED = frozenset([*NO_PROVIDER, *NO_PATIENT])
FORGOTTEN, LATELY = 0.05, timedelta(weeks=4)  # of the newest: nobody goes on with them
IN_ERROR = 0.003
CALLS = frozenset({Act.ATTEMPTED, Act.CONTACTED})  # of history, taken over from elsewhere, nobody noted them


@dataclass(frozen=True)
class Sender:
    """A referring provider, as far as their referrals are concerned."""

    id: int
    office_ids: tuple[int, ...]
    first_on: date


@dataclass(frozen=True)
class Unit:
    """What it takes to invent one physician's referrals, the same ones in whatever process."""

    practice_id: int
    physician_id: int
    coordinator_id: int
    liaison_id: int
    location_ids: tuple[int, ...]
    number: int
    specialty: OwnSpecialty
    senders: dict[int, Sender]
    arrivals: Sequence[tuple[date, int]]  # in order of time: the day, and the sender's place
    ids: dict[str, range]
    until: date
    seed: str

    @cached_property
    def rng(self) -> Random:
        return Random(f"{self.seed}/{self.number}")  # noqa: S311  # invents, and guards nothing

    @property
    def days(self) -> Days:
        return days_until(self.until)


@dataclass(slots=True)
class Told:
    """One referral as far as its way has been told. Field by field what the table keeps."""

    id: int
    sender: Sender
    provider_id: int | None
    office_id: int
    physician_id: int | None
    received_on: date
    urgency: str
    logged_at: datetime
    logged_by_id: int
    patient: Patient
    status: str = Status.RECEIVED.value
    contact_attempts: int = 0
    appointment_at: datetime | None = None
    seen_on: date | None = None
    reported_back_at: datetime | None = None
    reported_back_by_id: int | None = None
    withdrawn_at: datetime | None = None
    last_at: datetime | None = None
    next_action: tuple[str, datetime | None, int | None] = ("", None, None)
    steps: list[tuple] = field(default_factory=list)

    def standing(self) -> str:
        """As contacts/referral_way.py writes down where a referral stood before a step, in JSON."""
        if len(self.steps) == 1:  # logged, no more
            return NOTHING_YET
        return (
            f'{{"status": "{self.status}", "contact_attempts": {self.contact_attempts},'
            f' "appointment_at": {_in_json(self.appointment_at)}, "seen_on": {_in_json(self.seen_on)},'
            f' "reported_back_at": {_in_json(self.reported_back_at)},'
            f' "reported_back_by_id": {self.reported_back_by_id or "null"}}}'
        )

    def apply(self, step: Step, by_id: int) -> None:
        """Stand where the step leads, by the rules of contacts/referral_way.py."""
        self.last_at = step.at
        if step.act == Act.ATTEMPTED:
            self.contact_attempts += 1
        elif step.act == Act.REPORTED_BACK:
            self.reported_back_at, self.reported_back_by_id = step.at, by_id
            if self.status == Status.SEEN:
                self.status = Status.CLOSED.value
        else:
            self._move(step)

    def _move(self, step: Step) -> None:
        self.status = step.act
        self.reported_back_at = self.reported_back_by_id = None
        if step.act == Act.SCHEDULED:
            self.appointment_at = step.appointment_at
        elif step.act == Act.SEEN:
            self.seen_on = step.seen_on
        elif step.act == Act.CONTACTED:
            self.appointment_at = None
            self.contact_attempts += 1


NOTHING_YET = (
    '{"status": "received", "contact_attempts": 0, "appointment_at": null, "seen_on": null,'
    ' "reported_back_at": null, "reported_back_by_id": null}'
)


def _in_json(value: date | None) -> str:
    return f'"{value.isoformat()}"' if value else "null"


class Referrals:
    """Invents a unit's referrals: `told`, and as `rows` in the order of the table's columns."""

    def __init__(self, unit: Unit, practice: Practice) -> None:
        self.unit, self.practice, self.rng, self.days = unit, practice, unit.rng, unit.days
        self.patients = Patients(unit.practice_id, self.rng, charts_from=unit.number * 1_000_000)
        self.teller = Teller(self.days, self.rng, wait_days=unit.specialty.wait_days)
        self.told = list(self._all())
        self.rows = [self._row(told) for told in self.told]

    def step_lines(self) -> Iterator[str]:
        """The steps of all, as COPY reads STEP_COLUMNS: they are most of what is written."""
        ids, sealed, practice_id = iter(self.unit.ids["steps"]), self.patients.sealed, self.unit.practice_id
        for told in self.told:
            for act, at, by, note, before in told.steps:
                note = sealed(ReferralStep, "note", note)
                yield f"{next(ids)}\t{practice_id}\t{told.id}\t{act}\t{at}\t{by}\t{note}\t{before}\t{NO_BYTES}\n"

    def _all(self) -> Iterator[Told]:
        ids, newest_first = self.unit.ids["referrals"], len(self.unit.arrivals)
        for place, (day, sender) in enumerate(self.unit.arrivals):
            yield self._one(ids[place], day, self.unit.senders[sender], newest_first - place)

    def _one(self, pk: int, day: date, sender: Sender, from_end: int) -> Told:
        random, unit = self.rng.random, self.unit
        logged_on, logged_at = self._logged(day)
        has_patient = from_end not in NO_PATIENT or unit.number > 2
        told = Told(
            pk,
            sender,
            provider_id=None if from_end in NO_PROVIDER else sender.id,
            office_id=sender.office_ids[-1] if random() < 0.2 else sender.office_ids[0],
            physician_id=None if from_end in NO_PHYSICIAN else unit.physician_id,
            received_on=day,
            urgency=URGENCIES[int(random() * len(URGENCIES))],
            logged_at=logged_at,
            logged_by_id=unit.coordinator_id if has_patient else unit.liaison_id,
            patient=self.patients.draw() if has_patient else NOBODY_YET,
        )
        told.steps.append((Act.RECEIVED, logged_at, told.logged_by_id, "", "{}"))
        if from_end not in UNTOUCHED:
            self._go(told, logged_on)
        self._ask_for_next_action(told)
        return told

    def _logged(self, received_on: date) -> tuple[date, datetime]:
        """The same day, or the next that is a business day; on the last morning before eight."""
        day = self.days.business_day(received_on, 0)
        at = self.days.moment(day, EARLIEST + int(self.rng.random() * (LATEST - EARLIEST)))
        if at < self.days.now:
            return day, at
        return self.days.until, self.days.now - timedelta(minutes=1 + int(self.rng.random() * 30))

    def _go(self, told: Told, logged_on: date) -> None:
        random, unit = self.rng.random, self.unit
        if random() < IN_ERROR:
            self._withdraw(told)
            return
        steps = self.teller.tell(logged_on, told.logged_at, told.urgency)
        if told.received_on < self.days.starts_on:
            steps = (step for step in steps if step.act not in CALLS)
        if told.received_on >= self.days.until - LATELY and random() < FORGOTTEN:
            steps = islice(steps, int(random() * 3))
        for step in steps:
            if step.at > self.days.now:
                break
            by_physician = step.act in (Act.REPORTED_BACK, Act.SEEN) and told.physician_id and random() < 0.7
            by_id = unit.physician_id if by_physician else unit.coordinator_id
            told.steps.append((step.act, step.at, by_id, self._note(step.act), told.standing()))
            told.apply(step, by_id)

    def _withdraw(self, told: Told) -> None:
        told.withdrawn_at = told.logged_at + timedelta(minutes=9)
        told.steps.append((Act.WITHDRAWN, told.withdrawn_at, self.unit.coordinator_id, "Logged twice.", "{}"))

    def _note(self, act: str) -> str:
        notes = STEP_NOTES.get(act)
        return notes[int(self.rng.random() * len(notes))] if notes and self.rng.random() < 0.5 else ""

    def _ask_for_next_action(self, told: Told) -> None:
        """The rule itself decides; history and what has ended need not ask."""
        owes_word = told.status in ENDS_OF_WORD and not told.reported_back_at
        if told.received_on < self.days.starts_on or not (told.status in ON_THE_WAY or owes_word):
            return
        names = ("received_on", "physician_id", "urgency", "logged_at", "status", "appointment_at", "seen_on")
        row = Referral(**{name: getattr(told, name) for name in (*names, "reported_back_at", "withdrawn_at")})
        set_next_action(row, practice=self.practice, since=told.last_at or told.logged_at)
        told.next_action = (row.next_action, row.next_action_due_at, row.next_action_owner_id)

    def _row(self, told: Told) -> tuple[Any, ...]:
        random, unit, sealed, patient = self.rng.random, self.unit, self.patients.sealed, told.patient
        reason = unit.specialty.reasons[int(random() * len(unit.specialty.reasons))]
        return (
            told.id,
            unit.practice_id,
            told.provider_id,
            told.office_id,
            told.physician_id,
            unit.location_ids[int(random() * len(unit.location_ids))] if told.appointment_at else None,
            told.received_on,
            CHANNELS[int(random() * len(CHANNELS))],
            told.urgency,
            PAYERS[int(random() * len(PAYERS))] if random() < 0.8 else "",
            *patient,
            sealed(Referral, "reason", reason) if patient is not NOBODY_YET else NO_BYTES,
            NO_BYTES,
            told.status,
            told.contact_attempts,
            told.appointment_at,
            told.seen_on,
            told.reported_back_at,
            told.reported_back_by_id,
            *told.next_action,
            told.logged_at,
            told.logged_by_id,
            told.withdrawn_at,
            unit.coordinator_id if told.withdrawn_at else None,
            sealed(Referral, "withdrawn_reason", "Logged twice.") if told.withdrawn_at else NO_BYTES,
        )


REFERRAL_COLUMNS = (
    "id practice_id provider_id office_id physician_id location_id received_on channel urgency payer"
    " patient_family_name patient_given_name patient_born_on patient_chart_number"
    " patient_name_birth_index patient_name_initial_index patient_chart_index reason notes"
    " status contact_attempts appointment_at seen_on reported_back_at reported_back_by_id"
    " next_action next_action_due_at next_action_owner_id logged_at logged_by_id"
    " withdrawn_at withdrawn_by_id withdrawn_reason"
).split()
STEP_COLUMNS = "id practice_id referral_id act at by_id note before taken_back_reason".split()
