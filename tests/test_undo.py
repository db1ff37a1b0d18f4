"""Whatever was removed, withdrawn or done with many can be taken back: then everything is as it was, but for the record."""

import json
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from django.apps import apps
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from contacts import undoing as contact_acts
from contacts.duplicates import say_not_a_double
from contacts.merging import merge_providers
from contacts.models import Merge, OfficeContact, Provider, ReferralStep
from practices.covers import end_cover
from practices.forgetting import forget_what_is_old
from practices.isolation import practice_scope
from practices.models import AuditEntry, Cover, Member, PracticeModel, UndoableAct
from practices.undo import CannotUndo, kinds, take_back, undo_url
from practices.weeks import Week
from tests import make
from tests.counts import examples
from touchpoints import reminder_acts, thank_you_acts, undoing, undoing_many
from touchpoints.feedback_answers import take_down
from touchpoints.feedback_issues import resolve, tell
from touchpoints.gift_ledger import NotSeen, add_gift_limits, record_gift
from touchpoints.meeting_people import People
from touchpoints.meetings import hold_meeting, plan_meeting
from touchpoints.models import (
    FeedbackIssue,
    Gift,
    GiftLimit,
    GiftReturn,
    Meeting,
    Reminder,
    ThankYou,
    Touchpoint,
)
from touchpoints.reminders import remind
from touchpoints.reporting_back import tell as report_back
from touchpoints.return_referral_way import send
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import log_call

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY = date(2026, 11, 18)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)

# What taking back leaves behind on purpose: the record of it, and what other rows say about when they were touched.
HISTORY = {
    "practices.UndoableAct",
    "practices.AuditEntry",
    "contacts.Merge",
    "contacts.ReferralStep",
    "insights.Uncounted",
}
STAMPS = {
    "touchpoints.Meeting": {"sequence", "changed_at"},
    "touchpoints.Reminder": {"made_at", "handed_over_at", "handed_over_by_id", "handed_over_from_id"},
    "touchpoints.ThankYouList": {"reviewed_at", "finished_at"},
}


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW):
        yield


class Desk:
    """A practice in the middle of its work."""

    def __init__(self) -> None:
        self.practice = make.practice(starts_on=date(2026, 11, 2))
        self.manager = make.member("manager", self.practice, name="Ida Lee")
        self.heir = make.member("manager", self.practice, name="Mara Voss")
        self.physician = make.member("physician", self.practice, name="Dr Chen")
        self.colleague = make.member("physician", self.practice, name="Dr Roy")
        self.liaison = make.member("liaison", self.practice, name="Lea Ortiz")
        with practice_scope(self.practice):
            self._network()
            self._work()

    def _network(self) -> None:
        self.office = make.office("Lakeside")
        self.okafor = make.provider("Okafor", at=self.office)
        self.twin = make.provider("Okafor", at=self.office, credentials="DO")
        self.person = OfficeContact.objects.create(office=self.office, name="Rosa Lind", notes="Ring twice")
        self.cover = Cover.objects.create(
            physician=self.physician, covered_by=self.colleague, created_by=self.manager,
            starts_on=TODAY - 2 * DAY, ends_on=TODAY + 5 * DAY,
        )  # fmt: skip
        add_gift_limits(self.practice)

    def _work(self) -> None:
        who = {"by": self.manager, "now": NOW}
        self.referrals = [
            make.referral(
                self.manager, provider=provider, physician=self.physician, received_on=date(2026, 11, 10)
            )
            for provider in (self.okafor, self.twin)
        ]
        make_thank_you_lists(week=Week.of(date(2026, 11, 10)), now=NOW)
        self.cards = [thank_you_acts.write_card(row, **who) for row in ThankYou.objects.order_by("pk")]
        self.call = log_call(
            outcome="reached", provider=self.okafor, by=self.liaison, now=NOW, note="Busy", next_step="Send it",
            next_step_on=TODAY + DAY, next_step_owner=self.liaison,
        )  # fmt: skip
        self.meeting = plan_meeting(
            people=People((self.okafor,)), owner=self.liaison, kind="visit", purpose="Hello",
            starts_at=NOW - 3 * HOUR, ends_at=NOW - 2 * HOUR, **who,
        )  # fmt: skip
        hold_meeting(
            self.meeting,
            people=People.at(self.meeting),
            intel="Moving",
            next_step="Write",
            next_step_on=TODAY + DAY,
            **who,
        )
        self.plan = plan_meeting(
            people=People((self.okafor,)), owner=self.liaison, kind="lunch", purpose="Hello",
            starts_at=NOW + 20 * HOUR, ends_at=NOW + 21 * HOUR, **who,
        )  # fmt: skip
        self.sent = send(make.return_referral(self.physician, provider=self.okafor), **who)
        self.gift = self.given("Atlas", 60)
        self.issue = self._told_issue()
        remind(now=NOW)

    def given(self, what: str, amount: int) -> Gift:
        gift = Gift(nature="item", description=what, amount=amount, given_on=TODAY, over_limit_reason="x")
        said = {
            "people": People((self.okafor,)),
            "by": self.manager,
            "now": NOW,
            "is_solicited": False,
            "is_cash": False,
        }
        try:
            return record_gift(gift, **said)
        except NotSeen as first:
            return record_gift(gift, seen=first.preview.key, **said)

    def _told_issue(self) -> FeedbackIssue:
        parts = dict.fromkeys(("scheduling", "communication", "care", "physician_id"))
        given = take_down(
            provider=self.okafor, source="call", given_on=TODAY, overall=3, words="slow", is_complaint=True,
            by=self.manager, now=NOW, **parts,
        )  # fmt: skip
        issue = resolve(given.issues.get(), by=self.manager, now=NOW, what_changed="A second line")
        return tell(issue, how="call", message="We did", by=self.manager, now=NOW)

    def reminders(self) -> Any:
        return Reminder.objects.open().order_by("pk")


Act = Callable[[Desk, Any], UndoableAct | None]


def snoozed(desk: Desk, now: Any) -> UndoableAct | None:
    rows = desk.reminders()
    ids = list(rows.values_list("pk", flat=True))
    reminder_acts.dismiss_all(rows, by=desk.manager, now=now, reason="not now")
    return undoing_many.remember_reminders(
        Reminder.objects.filter(pk__in=ids), said="x", by=desk.manager, now=now
    )


def handed(desk: Desk, now: Any) -> UndoableAct | None:
    rows = desk.reminders().filter(member=desk.manager)
    ids = list(rows.values_list("pk", flat=True))
    reminder_acts.hand_over_all(rows, to=desk.heir, by=desk.manager, now=now)
    return undoing_many.remember_reminders(
        Reminder.objects.filter(pk__in=ids), said="x", by=desk.manager, now=now
    )


def mailed(desk: Desk, now: Any) -> UndoableAct | None:
    rows = [row for row in ThankYou.objects.select_related("list").order_by("pk") if row.state == "to_write"]
    for row in rows:
        thank_you_acts.mark_mailed(row, by=desk.manager, now=now)
    return undoing_many.remember_marked(rows, said="x", by=desk.manager, now=now) if rows else None


def cards_given(desk: Desk, now: Any) -> UndoableAct | None:
    rows = list(ThankYou.objects.filter(state="to_write").select_related("list"))
    to = {row.pk: desk.liaison for row in rows}
    return undoing_many.hand_cards_over(rows, to, said="x", by=desk.manager, now=now) if rows else None


def told(desk: Desk, now: Any) -> UndoableAct | None:
    from contacts.referral_way import move

    rows = [row for row in desk.referrals if not row.withdrawn_at]
    for row in rows:
        row.refresh_from_db()
        if row.withdrawn_at or row.reported_back_at:
            return None
        if row.status == "received":
            move(row, to="declined", by=desk.manager, now=NOW)
    found = report_back(rows, by=desk.manager, now=now, note_channel="fax")
    return undoing_many.remember_told(found, said="x", by=desk.manager, now=now)


def merged(desk: Desk, now: Any) -> UndoableAct | None:
    if Provider.objects.get(pk=desk.twin.pk).merged_into_id:
        return None
    merge = merge_providers(keep=desk.okafor, drop=desk.twin, by=desk.manager, now=now)
    return contact_acts.remember_merge(merge, by=desk.manager, now=now)


def told_apart(desk: Desk, now: Any) -> UndoableAct | None:
    pair = say_not_a_double(desk.okafor, desk.twin, by=desk.manager, now=now)
    return contact_acts.remember_told_apart(pair, said="x", by=desk.manager, now=now) if pair else None


def person_removed(desk: Desk, now: Any) -> UndoableAct | None:
    person = OfficeContact.objects.first()
    return contact_acts.remove_person(person, by=desk.manager, now=now) if person else None


def cover_ended(desk: Desk, now: Any) -> UndoableAct | None:
    cover = (
        Cover.objects.select_related("physician__user", "covered_by__user").filter(ends_on__gte=TODAY).first()
    )
    return end_cover(cover, today=TODAY, by=desk.manager, now=now) if cover else None


def gift_returned(desk: Desk, now: Any) -> UndoableAct | None:
    back = GiftReturn.objects.filter(withdrawn_at=None).first()
    if back is None:
        back = GiftReturn.objects.create(
            provider=desk.okafor,
            year=2026,
            returned_on=TODAY,
            amount=1,
            logged_at=NOW - DAY,
            logged_by=desk.manager,
        )
    return undoing.take_gift_return_back(back, by=desk.manager, now=now, reason="x")


def limit_removed(desk: Desk, now: Any) -> UndoableAct | None:
    limit = GiftLimit.objects.filter(year=2014).first()
    return undoing.remove_gift_limit(limit, by=desk.manager, now=now) if limit else None


def left(desk: Desk, now: Any) -> UndoableAct | None:
    seat = Member.objects.select_related("user", "practice").get(pk=desk.liaison.pk)
    return None if seat.left_at else undoing_many.leave_with(seat, to=desk.heir, by=desk.manager, now=now)


ACTS: dict[str, Act] = {
    contact_acts.PERSON: person_removed,
    contact_acts.REFERRAL: lambda desk, now: contact_acts.withdraw_referral(
        desk.referrals[0], by=desk.manager, now=now, reason="x"
    ),
    contact_acts.MERGED: merged,
    contact_acts.TOLD_APART: told_apart,
    "cover_ended": cover_ended,
    undoing.TOUCHPOINT: lambda desk, now: undoing.withdraw_touchpoint(
        FeedbackIssue.objects.get().touchpoint or desk.call, by=desk.manager, now=now, reason="x"
    ),
    undoing.MEETING: lambda desk, now: undoing.cancel_meeting(
        desk.meeting, by=desk.manager, now=now, reason="x"
    ),
    undoing.RETURN_REFERRAL: lambda desk, now: undoing.cancel_return_referral(
        desk.sent, by=desk.manager, now=now, reason="x"
    ),
    undoing.GIFT: lambda desk, now: undoing.withdraw_gift(desk.gift, by=desk.manager, now=now, reason="x"),
    undoing.GIFT_RETURN: gift_returned,
    undoing.GIFT_LIMIT: limit_removed,
    undoing.GIFT_COUNTED: lambda desk, now: undoing.count_gifts(
        desk.okafor, year=2026, by=desk.manager, now=now
    ),
    undoing_many.REMINDERS: snoozed,
    "reminders handed over": handed,
    undoing_many.CARDS_MARKED: mailed,
    undoing_many.CARDS_HANDED: cards_given,
    undoing_many.TOLD: told,
    undoing_many.LEFT: left,
}


@pytest.fixture
def desk():
    return Desk()


def everything() -> dict[str, list]:
    """Every row of every table of the practice, but the record."""
    models = [m for m in apps.get_models() if issubclass(m, PracticeModel) and m._meta.label not in HISTORY]
    return {model._meta.label: sorted(_rows(model), key=str) for model in models}


def _rows(model: Any) -> list[tuple[Any, ...]]:
    left_out = STAMPS.get(model._meta.label, set())
    names = [field.attname for field in model._meta.concrete_fields if field.attname not in left_out]
    rows = model.objects.all()
    if model is Touchpoint:  # a withdrawn one counts nowhere: that it was made is the record
        rows = rows.standing()
    if model is Reminder:
        rows = rows.exclude(state=Reminder.State.GONE)
    return list(rows.values_list(*names))


def test_every_kind_of_act_is_tried_here():
    assert kinds().keys() - ACTS.keys() == set()


@pytest.mark.parametrize("name", ACTS)
def test_done_and_taken_back_nothing_has_changed_but_the_record(desk, name):
    with practice_scope(desk.practice):
        if name == undoing_many.TOLD:
            told(desk, NOW)  # so that the referrals stand where they can be told of
            undo_all(desk, [UndoableAct.objects.get()])
        if name == undoing.GIFT_RETURN:
            undo_all(desk, [gift_returned(desk, NOW + HOUR)])
        before = everything()
        act = ACTS[name](desk, NOW + 2 * HOUR)
        assert (act and everything() != before) or name == undoing.GIFT_COUNTED
        undo_all(desk, [act])
        after = everything()
        assert {k: v for k, v in after.items() if v != before[k]} == {
            k: v for k, v in before.items() if v != after[k]
        }
        again = take_back(act, by=desk.heir, now=NOW + 4 * HOUR)
        assert (again, everything()) == ("", before)
        assert UndoableAct.objects.get(pk=act.pk).undone_by == desk.heir


def undo_all(desk: Desk, acts: list[UndoableAct]) -> None:
    for act in reversed(acts):
        take_back(act, by=desk.heir, now=NOW + 3 * HOUR)


@settings(
    max_examples=examples(4, full=60),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    st.lists(
        st.sampled_from(sorted(ACTS.keys() - {undoing_many.TOLD, undoing.GIFT_RETURN})),
        min_size=2,
        max_size=5,
        unique=True,
    )
)
@example(names=["merged", "meeting_cancelled"])
def test_any_acts_taken_back_in_turn_leave_nothing_behind(django_db_blocker, db, names):
    from django.db import transaction

    class Over(Exception):
        """Leaves the example's transaction as it was found."""

    with pytest.raises(Over), transaction.atomic():
        desk = Desk()
        with practice_scope(desk.practice):
            before = everything()
            acts = [ACTS[name](desk, NOW + HOUR + n * timedelta(minutes=1)) for n, name in enumerate(names)]
            undo_all(desk, [act for act in acts if act])
            remind(now=NOW)  # of two of one name it says again which is meant, at the next tick
            assert everything() == before
        raise Over


class TestRefusals:
    """What was done since is not undone with it: a sentence says what stands in the way."""

    def refused(self, desk: Desk, act: UndoableAct, match: str) -> None:
        before = everything()
        with pytest.raises(CannotUndo, match=match):
            take_back(act, by=desk.manager, now=NOW + DAY)
        assert everything() == before
        assert UndoableAct.objects.get(pk=act.pk).undone_at is None

    def test_a_meeting_that_was_changed(self, desk):
        with practice_scope(desk.practice):
            act = undoing.cancel_meeting(desk.plan, by=desk.manager, now=NOW + HOUR, reason="x")
            Meeting.objects.filter(pk=desk.plan.pk).update(sequence=9)
            self.refused(desk, act, "changed since")

    def test_a_referrer_told_anew(self, desk):
        with practice_scope(desk.practice):
            act = undoing.withdraw_touchpoint(
                desk.issue.touchpoint, by=desk.manager, now=NOW + HOUR, reason="x"
            )
            tell(desk.issue, how="letter", message="We did", by=desk.manager, now=NOW + 2 * HOUR)
            self.refused(desk, act, "told anew")

    def test_a_gift_that_would_go_over_the_limit_by_now(self, desk):
        with practice_scope(desk.practice):
            Gift.objects.filter(pk=desk.gift.pk).update(over_limit_reason="")
            act = undoing.withdraw_gift(desk.gift, by=desk.manager, now=NOW + HOUR, reason="x")
            desk.given("Microscope", 530)
            self.refused(desk, act, "over the limit")

    def test_a_limit_entered_anew(self, desk):
        with practice_scope(desk.practice):
            act = limit_removed(desk, NOW + HOUR)
            GiftLimit.objects.create(year=2014, amount=1, source="x")
            self.refused(desk, act, "entered anew")

    def test_a_card_that_moved_on(self, desk):
        with practice_scope(desk.practice):
            act = mailed(desk, NOW + HOUR)
            thank_you_acts.take_back(ThankYou.objects.first(), by=desk.physician, now=NOW + 2 * HOUR)
            self.refused(desk, act, "nothing was changed")

    def test_a_seat_that_was_opened(self, desk):
        with practice_scope(desk.practice):
            act = left(desk, NOW + HOUR)
            Member.objects.filter(pk=desk.liaison.pk).update(left_at=None)
            self.refused(desk, act, "opened again")

    def test_a_step_that_followed(self, desk):
        with practice_scope(desk.practice):
            act = ACTS[contact_acts.REFERRAL](desk, NOW + HOUR)
            ReferralStep.objects.create(
                referral=desk.referrals[0], act="seen", at=NOW + 2 * HOUR, by=desk.manager
            )
            self.refused(desk, act, "another has followed")

    def test_after_thirty_days(self, desk):
        with practice_scope(desk.practice):
            act = person_removed(desk, NOW)
            with pytest.raises(CannotUndo, match="any more"):
                take_back(act, by=desk.manager, now=NOW + 30 * DAY)


def test_some_that_changed_since_stay_and_it_is_said(desk):
    with practice_scope(desk.practice):
        rows = list(desk.reminders()[:2])
        reminder_acts.dismiss_all(
            Reminder.objects.filter(pk__in=[row.pk for row in rows]),
            by=desk.manager,
            now=NOW + HOUR,
            reason="x",
        )
        act = undoing_many.remember_reminders(
            Reminder.objects.filter(pk__in=[row.pk for row in rows]),
            said="x",
            by=desk.manager,
            now=NOW + HOUR,
        )
        Reminder.objects.filter(pk=rows[0].pk).update(closed_at=NOW + 2 * HOUR)
        assert take_back(act, by=desk.manager, now=NOW + DAY) == "1 was changed since, and stayed as it is."


def test_who_may_take_back_what(desk):
    with practice_scope(desk.practice):
        act = limit_removed(desk, NOW)
        person_id = desk.person.pk
        own = contact_acts.remove_person(desk.person, by=desk.liaison, now=NOW)
    client = Client()
    client.force_login(desk.liaison.user)
    page = client.get(reverse("undo")).content.decode()
    assert "Rosa Lind removed from Lakeside" in page and "gift limit" not in page
    assert client.post(undo_url(act)).status_code == 404
    assert "Taken back" in client.post(undo_url(own), follow=True).content.decode()
    with practice_scope(desk.practice):
        assert OfficeContact.objects.get(pk=person_id).notes == "Ring twice"
        Member.objects.filter(pk=desk.manager.pk).update(role="liaison")
    client.force_login(desk.manager.user)
    refused = client.post(undo_url(act), follow=True).content.decode()
    assert "can&#x27;t be taken back any more" in refused
    with practice_scope(desk.practice):
        assert not GiftLimit.objects.filter(year=2014).exists()


def test_the_message_offers_undo_and_leads_back_to_its_page(desk):
    client = Client()
    client.force_login(desk.manager.user)
    office = reverse("office", args=[desk.office.pk])
    page = client.post(reverse("office_contact_remove", args=[desk.office.pk, desk.person.pk]), follow=True)
    with practice_scope(desk.practice):
        act = UndoableAct.objects.get()
    assert f'action="{undo_url(act)}"' in page.content.decode()
    back = client.post(undo_url(act), {"next": office}, follow=True)
    assert back.redirect_chain[0][0] == office
    assert "Taken back: Rosa Lind removed from Lakeside." in back.content.decode()
    assert "taken back by Ida Lee" in client.get(reverse("undo")).content.decode()


def test_after_thirty_days_it_is_forgotten_with_what_it_held(desk):
    with practice_scope(desk.practice):
        person_removed(desk, NOW)
        forget_what_is_old(now=NOW + 29 * DAY)
        assert UndoableAct.objects.count() == 1
        forget_what_is_old(now=NOW + 30 * DAY)
        assert not UndoableAct.objects.exists()


def test_no_patient_stands_in_an_act_but_sealed(desk):
    with practice_scope(desk.practice):
        acts = [ACTS[name](desk, NOW + HOUR) for name in (contact_acts.REFERRAL, undoing.RETURN_REFERRAL)]
        names = [row.patient_family_name for row in (*desk.referrals, desk.sent)]
        said = " ".join(act.said for act in acts)
        trail = json.dumps(list(AuditEntry.objects.values_list("changes", flat=True)))
        assert not [name for name in names if name in said or name in trail]
        assert said == f"R-{desk.referrals[0].pk} withdrawn RR-{desk.sent.pk} cancelled"


def test_page_costs_as_many_queries_with_twice_the_acts(desk, django_assert_max_num_queries):
    client = Client()
    client.force_login(desk.manager.user)
    for _round in range(2):
        with practice_scope(desk.practice):
            for n in range(20):
                person = OfficeContact.objects.create(office=desk.office, name=f"Rosa {n}")
                contact_acts.remove_person(person, by=desk.manager, now=NOW)
        with django_assert_max_num_queries(12):
            assert client.get(reverse("undo")).status_code == 200


def test_a_merge_taken_apart_on_its_own_page_is_no_more_to_undo(desk):
    with practice_scope(desk.practice):
        act = merged(desk, NOW)
    client = Client()
    client.force_login(desk.manager.user)
    with practice_scope(desk.practice):
        merge = Merge.objects.get()
    client.post(reverse("merge_undo", args=[merge.pk]))
    with practice_scope(desk.practice):
        act.refresh_from_db()
        assert act.undone_by == desk.manager
