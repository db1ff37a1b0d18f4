# ruff: noqa: SIM905  # words in a row are easier to read, and to add to, than a column of them
"""How one physician has thanked the senders, week by week: lists since the start, bare touchpoints before it."""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from practices.weeks import Week, due_week
from referralcrm.seeding.days import ZONE
from referralcrm.seeding.loading import NO_BYTES
from referralcrm.seeding.referrals import Referrals, Sender, Told
from referralcrm.seeding.words import CALL_NOTES, PERSONAL_LINES, REPORT_CALL_NOTES, SKIP_REASONS
from touchpoints.models import ThankYou, Touchpoint

State, Kind = ThankYou.State, Touchpoint.Kind
CARD_INTERVAL = timedelta(days=28)
THANKED_IN_HISTORY = 0.4  # before the lists, a practice forgets
WAITING_LAST_WEEK = 0.3  # of the cards of the week before the newest list: to write, or written
DECIDED_ON_NEWEST = 0.2  # of the rows of colleagues' newest lists


@dataclass(slots=True)
class Row:
    """One row of a list, in the order of the table's columns."""

    id: int
    list_id: int
    sender: Sender
    state: str = State.UNDECIDED
    personal_line: str = ""
    skip_reason: str = ""
    decided_at: datetime | None = None
    decided_by_id: int | None = None
    written_at: datetime | None = None
    written_by_id: int | None = None
    mailed_on: date | None = None
    mailed_at: datetime | None = None
    card_id: int | None = None
    call_id: int | None = None


class Thanks:
    """Goes through the weeks of a unit's referrals as its physician would have."""

    def __init__(self, referrals: Referrals) -> None:
        self.unit, self.rng, self.days = referrals.unit, referrals.rng, referrals.days
        self.sealed = referrals.patients.sealed
        self.ids = {name: iter(ids) for name, ids in self.unit.ids.items()}
        self.last_card_on: dict[int, date] = {}
        self.touchpoints: list[tuple] = []
        self.lists: list[tuple] = []
        self.rows: list[Row] = []
        self.links: list[tuple] = []
        self.newest = due_week(self.days.now, ZONE, 0, 6)
        self._go_through(referrals.told)
        self._report_calls(referrals.told)

    def row_tuples(self) -> Iterator[tuple]:
        """The rows of the lists, in the order of the table's columns."""
        sealed, practice_id = self.sealed, self.unit.practice_id
        for row in self.rows:
            yield (
                row.id,
                practice_id,
                row.list_id,
                row.sender.id,
                row.state,
                sealed(ThankYou, "personal_line", row.personal_line),
                sealed(ThankYou, "skip_reason", row.skip_reason),
                row.decided_at,
                row.decided_by_id,
                row.written_at,
                row.written_by_id,
                row.mailed_on,
                row.card_id,
                row.call_id,
            )

    def _go_through(self, told: Iterable[Told]) -> None:
        mondays: dict[date, dict[int, list[Told]]] = defaultdict(lambda: defaultdict(list))
        for referral in told:
            if referral.provider_id and referral.physician_id and not referral.withdrawn_at:
                on = referral.received_on
                mondays[on - timedelta(days=on.weekday())][referral.provider_id].append(referral)
        for monday in sorted(mondays):
            week = Week(monday)
            if week.monday < self.days.starts_on:
                self._remember(week, mondays[monday])
            elif week <= self.newest:
                self._list(week, mondays[monday])

    def _remember(self, week: Week, senders: dict[int, list[Told]]) -> None:
        """A week before there were lists: what was done stands on the timeline alone."""
        for referrals in senders.values():
            if self.rng.random() < THANKED_IN_HISTORY:
                row = Row(0, 0, referrals[0].sender)
                self._decide(row, week, referrals)

    def _list(self, week: Week, senders: dict[int, list[Told]]) -> None:
        list_id, rows = next(self.ids["lists"]), []
        for referrals in senders.values():
            row = Row(next(self.ids["rows"]), list_id, referrals[0].sender)
            self.links += [
                (next(self.ids["links"]), self.unit.practice_id, row.id, referral.id)
                for referral in referrals
            ]
            if week < self.newest or (self.unit.number > 1 and self.rng.random() < DECIDED_ON_NEWEST):
                self._decide(row, week, referrals)
            rows.append(row)
        self.rows += rows
        self.lists.append(self._list_row(list_id, week, rows))

    def _list_row(self, list_id: int, week: Week, rows: list[Row]) -> tuple:
        decided = [row.decided_at for row in rows if row.decided_at]
        reviewed_at = max(decided) if len(decided) == len(rows) else None
        is_waiting = any(row.state in (State.TO_WRITE, State.WRITTEN) for row in rows)
        finished_at = None
        if reviewed_at and not is_waiting:
            finished_at = max([reviewed_at, *(row.mailed_at for row in rows if row.mailed_at)])
        return (
            list_id,
            self.unit.practice_id,
            self.unit.physician_id,
            week.monday,
            self.days.moment(week.next().monday, -120),
            reviewed_at,
            self.unit.physician_id if reviewed_at else None,
            finished_at,
        )

    def _decide(self, row: Row, week: Week, referrals: list[Told]) -> None:
        """What the suggestion says, mostly; nothing that would lie after the last morning."""
        random, sender = self.rng.random, row.sender
        on = self.days.business_day(week.next().monday, int(random() * 3))
        at = self.days.moment(on, 30 + int(random() * 400))
        if at > self.days.now:
            return
        row.decided_at, row.decided_by_id = at, self.unit.physician_id
        is_first_ever = any(referral.received_on == sender.first_on for referral in referrals)
        last_card_on = self.last_card_on.get(sender.id)
        if is_first_ever:
            self._call(row, on, at)
            self._card(row, week, on)
        elif last_card_on and on - last_card_on < CARD_INTERVAL:
            row.state = State.CARRIED
        elif random() < 0.06:
            row.state, row.skip_reason = State.SKIPPED, self._one_of(SKIP_REASONS)
        elif random() < 0.12:
            self._call(row, on, at)
            row.state = State.CALLED
        else:
            self._card(row, week, on)

    def _call(self, row: Row, on: date, at: datetime) -> None:
        note = self._one_of(CALL_NOTES)
        row.call_id = self._touchpoint(Kind.CALL, on, at, row.sender, note=note, is_thanks=True)

    def _card(self, row: Row, week: Week, decided_on: date) -> None:
        """Written a day or two later, mailed the next day."""
        row.state = State.TO_WRITE
        row.personal_line = self._one_of(PERSONAL_LINES) if self.rng.random() < 0.3 else ""
        rests = self.rng.random() if week >= self.newest.previous() else 1.0
        written_on = self.days.business_day(decided_on, 1 + int(self.rng.random() * 2))
        written_at = self.days.moment(written_on, 300)
        if rests < WAITING_LAST_WEEK / 2 or written_at > self.days.now:
            return
        row.state, row.written_at, row.written_by_id = State.WRITTEN, written_at, self.unit.physician_id
        mailed_on = self.days.business_day(written_on, 1)
        mailed_at = self.days.moment(mailed_on, 120)
        if rests < WAITING_LAST_WEEK or mailed_at > self.days.now:
            return
        row.state, row.mailed_on, row.mailed_at = State.MAILED, mailed_on, mailed_at
        row.card_id = self._touchpoint(Kind.CARD, mailed_on, mailed_at, row.sender, is_thanks=True)
        self.last_card_on[row.sender.id] = mailed_on

    def _report_calls(self, told: Iterable[Told]) -> None:
        """Some reports were given by telephone: that is a touchpoint too."""
        for referral in told:
            at = referral.reported_back_at
            by_physician = referral.reported_back_by_id == self.unit.physician_id
            if at and by_physician and referral.provider_id and self.rng.random() < 0.1:
                note = self._one_of(REPORT_CALL_NOTES)
                self._touchpoint(
                    Kind.CALL, at.date(), at, referral.sender, note=note, referral_id=referral.id
                )

    def _touchpoint(
        self,
        kind: str,
        on: date,
        at: datetime,
        sender: Sender,
        *,
        note: str = "",
        is_thanks: bool = False,
        referral_id: int | None = None,
    ) -> int:
        pk, unit = next(self.ids["touchpoints"]), self.unit
        self.touchpoints.append(
            (
                pk,
                unit.practice_id,
                kind,
                on,
                sender.id,
                sender.office_ids[0],
                referral_id,
                unit.physician_id,
                is_thanks,
                self.sealed(Touchpoint, "note", note),
                at,
                unit.coordinator_id if kind == Kind.CARD else unit.physician_id,
                NO_BYTES,
                Touchpoint.CallOutcome.REACHED if kind == Kind.CALL else "",
                NO_BYTES,
            )
        )
        return pk

    def _one_of(self, texts: tuple[str, ...]) -> str:
        return texts[int(self.rng.random() * len(texts))]


TOUCHPOINT_COLUMNS = (
    "id practice_id kind happened_on provider_id office_id referral_id member_id is_thanks note"
    " logged_at logged_by_id withdrawn_reason call_outcome next_step"
).split()
LIST_COLUMNS = (
    "id practice_id physician_id week_starts_on made_at reviewed_at reviewed_by_id finished_at".split()
)
ROW_COLUMNS = (
    "id practice_id list_id provider_id state personal_line skip_reason decided_at decided_by_id"
    " written_at written_by_id mailed_on card_id call_id"
).split()
LINK_COLUMNS = "id practice_id thank_you_id referral_id".split()
