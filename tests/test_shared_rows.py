"""Every form over a row that two people can have open at once: nothing of either is lost.

One table: each form is opened by two members; what the other saved is kept, or asked about where both changed the
same field. A form over an existing row without a line here fails.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pytest
import time_machine
from django.test import Client
from django.urls import reverse

from contacts.merging import merge_offices, merge_providers
from contacts.models import OfficeContact, Provider, Referral
from contacts.referral_way import stand_of
from practices.isolation import practice_scope
from practices.models import Draft, Location
from practices.shared_rows import SharedRow, as_text
from practices.weeks import Week
from tests import make
from tests.filled_form import fields_of
from touchpoints import thank_you_acts
from touchpoints.feedback_answers import take_down
from touchpoints.meeting_people import People
from touchpoints.meetings import hold_meeting, plan_meeting
from touchpoints.models import GiftLimit, Meeting, ThankYou
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import log_call

pytestmark = pytest.mark.django_db
NOW = make.NOW
TODAY = date(2026, 11, 18)


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW):
        yield


class Desk:
    """A practice with two managers, and a row of each kind when it is asked for. Call inside the scope."""

    def __init__(self) -> None:
        self.practice = make.practice()
        self.me = make.member("manager", self.practice, name="Ida Lee")
        self.other = make.member("manager", self.practice, name="Mara Voss")
        self.physician = make.member("physician", self.practice, name="Dr Chen")
        self.colleague = make.member("physician", self.practice, name="Dr Roy")
        self.seat = make.member("coordinator", self.practice, name="Ben Ott", credentials="RN")

    @cached_property
    def office(self) -> Any:
        return make.office("Lakeside", phone="1", fax="1")

    @cached_property
    def provider(self) -> Any:
        return make.provider("Okafor", at=self.office, phone="1", fax="1", tier="B")

    @cached_property
    def contact(self) -> Any:
        return OfficeContact.objects.create(office=self.office, name="Rosa Lind", phone="1", job="Desk")

    @cached_property
    def location(self) -> Any:
        return Location.objects.create(name="Main", street="1 Dock St", city="Salem")

    @cached_property
    def referral(self) -> Any:
        said = {"reason": "palpitations", "payer": "Aetna", "received_on": date(2026, 11, 10)}
        return make.referral(self.me, provider=self.provider, physician=self.physician, **said)

    @cached_property
    def call(self) -> Any:
        said = {"note": "Busy", "next_step": "Call again", "next_step_on": TODAY + timedelta(days=3)}
        return log_call(outcome="reached", provider=self.provider, by=self.me, now=NOW, **said)

    @cached_property
    def meeting(self) -> Any:
        return plan_meeting(
            people=People((self.provider,), members=(self.me,)), owner=self.me, by=self.me, now=NOW, kind="visit",
            purpose="Hello", place="Cafe", starts_at=NOW - timedelta(hours=3), ends_at=NOW - timedelta(hours=2),
        )  # fmt: skip

    @cached_property
    def held(self) -> Any:
        return hold_meeting(self.meeting, people=People.at(self.meeting), by=self.me, now=NOW, intel="Moving")

    @cached_property
    def need(self) -> Any:
        return make.return_referral(self.me, physician=self.physician, payer="Aetna", patient_phone="1")

    @cached_property
    def chosen(self) -> Any:
        return make.return_referral(self.me, physician=self.physician, provider=self.provider)

    @cached_property
    def thank_you(self) -> Any:
        self.referral  # noqa: B018  # it is what the list is made of
        make_thank_you_lists(week=Week.of(date(2026, 11, 10)), now=NOW)
        return thank_you_acts.write_card(ThankYou.objects.get(), by=self.me, now=NOW, personal_line="Thanks")

    @cached_property
    def issue(self) -> Any:
        parts = dict.fromkeys(("scheduling", "communication", "care", "physician_id"))
        given = take_down(
            provider=self.provider, source="call", given_on=TODAY, overall=3, words="", is_complaint=True,
            by=self.me, now=NOW, **parts,
        )  # fmt: skip
        return given.issues.get()

    @cached_property
    def limit(self) -> Any:
        return GiftLimit.objects.create(year=2025, amount=519, source="The test")


@dataclass(frozen=True)
class Shared:
    """One form: its page, where it is sent if not there, the field both change, and one that only one changes."""

    page: Callable[[Desk], str]
    both: str
    theirs: str
    mine: str
    other: tuple[str, str] | None = None
    sent_to: Callable[[Desk], str] | None = None
    also: dict[str, Any] = field(default_factory=dict)


def address(name: str, *rows: str) -> Callable[[Desk], str]:
    """The page named so; each row by the desk's name for it."""
    return lambda desk: reverse(name, args=[getattr(desk, row).pk for row in rows])


REASON = {"reason": "Misheard"}
PATIENT_CHOSE = {"is_patients_choice": "on"}
SHARED: dict[str, Shared] = {
    "PracticeSettingsForm": Shared(
        address("settings"), "name", "Harbor Heart", "Harbor West", ("card_interval_days", "30")
    ),
    "SignInRulesForm": Shared(
        address("sign_in_rules"), "idle_minutes", "20", "30", ("second_factor_from", "2027-01-04")
    ),
    "LocationForm": Shared(address("location_edit", "location"), "street", "2 Dock St", "3 Dock St", ("city", "Lynn")),
    "MemberForm": Shared(address("member_edit", "seat"), "credentials", "NP", "PA", ("role", "liaison")),
    "ProviderForm": Shared(address("provider_edit", "provider"), "phone", "2", "3", ("fax", "4")),
    "OfficeForm": Shared(address("office_edit", "office"), "phone", "2", "3", ("notes", "Ring twice")),
    "OfficeContactForm": Shared(
        address("office_contact_edit", "office", "contact"), "phone", "2", "3", ("job", "Manager")
    ),
    "EditForm": Shared(
        address("referral_edit", "referral"), "reason", "chest pain", "fainting", ("payer", "Cigna")
    ),
    "PhysicianForm": Shared(
        address("referral", "referral"), "physician", "colleague", "", sent_to=address("referral_physician", "referral")
    ),
    "CorrectForm": Shared(
        address("touchpoint_edit", "call"), "note", "Glad", "Sad", ("next_step", "Write"), also=REASON
    ),
    "PlanForm": Shared(address("meeting_edit", "meeting"), "purpose", "Imaging", "Lunch", ("place", "Hall")),
    "HeldForm": Shared(
        address("meeting_edit", "held"), "intel", "Growing", "Closing", ("materials", "Pads"), also=REASON
    ),
    "NeedForm": Shared(
        address("return_referral_need", "need"), "payer", "Cigna", "Humana", ("patient_phone", "555-0101")
    ),
    "ChoiceForm": Shared(
        lambda desk: f"{reverse('return_referral_choice', args=[desk.chosen.pk])}?provider={desk.provider.pk}",
        "clinical_reason", "Murmur", "Syncope", also=PATIENT_CHOSE,
    ),
    "CardForm": Shared(address("thank_you_card", "thank_you"), "personal_line", "Warmly", "Cordially"),
    "HandOverForm": Shared(address("thank_you_hand_over", "thank_you"), "to", "seat", "other"),
    "ResolveForm": Shared(
        address("feedback_issue", "issue"), "what_changed", "A second line", "A recall list",
        sent_to=address("feedback_issue_resolve", "issue"),
    ),
    "HandOverIssueForm": Shared(
        address("feedback_issue", "issue"), "due_on", "2026-12-01", "2026-12-02", ("owner", "physician"),
        sent_to=address("feedback_issue_hand_over", "issue"),
    ),
    "RuleForm": Shared(lambda desk: reverse("reminder_rule", args=["in_touch"]), "A", "40", "50", ("B", "70")),
    "LimitForm": Shared(lambda desk: reverse("gift_limit", args=[desk.limit.year]), "amount", "520.00", "521.00", ("source", "CMS")),
    "StationeryForm": Shared(address("stationery"), "return_name", "Harbor", "Heart", ("return_city", "Lynn")),
}  # fmt: skip
OWN = {"MyMailForm"}  # over one's own seat; two tabs of one member
MIXED_IN = {"SharedRowForm", "NewOfficeForm", "PresentForm"}  # the people of a meeting: below
each_form = pytest.mark.parametrize("name", SHARED)


class At:
    """One member before one form."""

    def __init__(self, desk: Desk, shared: Shared, member: Any) -> None:
        self.desk, self.shared, self.client = desk, shared, Client()
        self.client.force_login(member.user)
        with practice_scope(desk.practice):
            self.url = shared.page(desk)
            self.sent_to = shared.sent_to(desk) if shared.sent_to else self.url

    def open(self) -> dict[str, list[str]]:
        return fields_of(self.client.get(self.url), having=self.shared.both)

    def save(self, fields: dict[str, Any], **changes: str) -> Any:
        typed = {name: self.meant(value) for name, value in changes.items()}
        answer = self.client.post(self.sent_to, {**fields, **self.shared.also, **typed})
        if answer.status_code == 200 and "If you save this" in words(answer):  # shown first, then saved
            answer = self.client.post(self.sent_to, self.again(answer))
        return answer

    def meant(self, value: str) -> str:
        """A member by the desk's name for them, as their number."""
        row = (
            getattr(self.desk, value, None) if value in ("colleague", "physician", "seat", "other") else None
        )
        return str(row.pk) if row else value

    def again(self, answer: Any) -> dict[str, list[str]]:
        return fields_of(answer, having=self.shared.both)

    def stands(self, name: str) -> list[str]:
        return self.open()[name]


def words(answer: Any) -> str:
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", answer.content.decode()))
    return text.replace("&#x27;", "'")


@pytest.fixture
def desk():
    return Desk()


def before(desk: Desk, name: str) -> tuple[Shared, At, At, dict[str, Any]]:
    """Me and the other, who both have the page open."""
    shared = SHARED[name]
    me, other = At(desk, shared, desk.me), At(desk, shared, desk.other)
    return shared, me, other, me.open()


@each_form
def test_what_both_changed_is_asked_about_and_nothing_of_either_is_lost(desk, name):
    shared, me, other, mine = before(desk, name)
    assert other.save(other.open(), **{shared.both: shared.theirs}).status_code == 302
    stood = me.stands(shared.both)

    asked = me.save(mine, **{shared.both: shared.mine})

    assert asked.status_code == 422
    assert re.search(r"Mara Voss changed this to “.*” at \d+:\d\d [AP]M while you were typing", words(asked))
    assert me.stands(shared.both) == stood != mine[shared.both]
    assert me.again(asked)[shared.both] == [me.meant(shared.mine)]

    assert me.save(me.again(asked)).status_code == 302
    assert me.stands(shared.both) == [me.meant(shared.mine)]


@pytest.mark.parametrize("name", [name for name, shared in SHARED.items() if shared.other])
def test_what_only_the_other_changed_is_kept(desk, name):
    shared, me, other, mine = before(desk, name)
    field, value = shared.other
    assert other.save(other.open(), **{shared.both: shared.theirs}).status_code == 302

    saved = me.save(mine, **{field: value})

    assert saved.status_code == 302
    assert "it was kept" in words(me.client.get(saved.url))
    assert (me.stands(shared.both), me.stands(field)) == ([me.meant(shared.theirs)], [me.meant(value)])


@each_form
def test_who_meant_the_same_is_not_asked(desk, name):
    shared, me, other, mine = before(desk, name)
    assert other.save(other.open(), **{shared.both: shared.theirs}).status_code == 302
    assert me.save(mine, **{shared.both: shared.theirs}).status_code == 302
    assert me.stands(shared.both) == [me.meant(shared.theirs)]


@each_form
def test_a_version_says_nothing_of_what_stands_there_and_fits_no_other_row(desk, name):
    _shared, _me, _other, mine = before(desk, name)
    (version,) = mine["version"]
    held = {value for values in mine.values() for value in values if len(value) > 3 and value != version}
    assert not [value for value in held if value in version.split(":")]
    assert re.fullmatch(r"\S+/\S+/[0-9a-f]{16}( \w+:[0-9a-f]{16})+", version)


@pytest.mark.parametrize("cut", [lambda version: "made-up", lambda version: version.partition(" ")[0]])
@each_form
def test_a_version_that_cannot_be_read_agrees_with_nothing(desk, name, cut):
    shared, me, other, mine = before(desk, name)
    assert other.save(other.open(), **{shared.both: shared.theirs}).status_code == 302
    stood = me.stands(shared.both)

    asked = me.save({**mine, "version": cut(mine["version"][0])}, **{shared.both: shared.mine})

    assert asked.status_code == 422
    assert "may have changed while you were typing" in words(asked)
    assert "somebody changed the same" not in words(asked)
    assert me.stands(shared.both) == stood
    assert me.save(me.again(asked)).status_code == 302
    assert me.stands(shared.both) == [me.meant(shared.mine)]


def test_every_form_over_a_row_has_a_line():
    found, waiting = set(), [SharedRow]
    while waiting:
        for kind in waiting.pop().__subclasses__():
            waiting.append(kind)
            found.add(kind.__name__)
    assert found - OWN - MIXED_IN == SHARED.keys()


def test_the_patient_s_provider_changed_by_the_other_is_kept_or_asked_about(desk):
    with practice_scope(desk.practice):
        baker = make.provider("Baker")
        cole = make.provider("Cole")
    _shared, me, other, mine = before(desk, "EditForm")

    def sender(provider):
        return {"provider": str(provider.pk), "provider_text": str(provider)}

    assert other.save(other.open(), **sender(baker)).status_code == 302
    asked = me.save(mine, **sender(cole))
    assert "Mara Voss changed this to “Amara Baker, MD”" in words(asked)
    assert me.save(mine, reason="fainting").status_code == 302
    with practice_scope(desk.practice):
        row = Referral.objects.get()
        assert (row.provider, row.reason) == (baker, "fainting")
    assert me.save(me.again(asked)).status_code == 302
    with practice_scope(desk.practice):
        assert Referral.objects.get().provider == cole


def test_who_is_at_a_meeting_is_kept_or_asked_about(desk):
    with practice_scope(desk.practice):
        baker, cole = make.provider("Baker", at=desk.office), make.provider("Cole", at=desk.office)
    _shared, me, other, mine = before(desk, "PlanForm")
    with practice_scope(desk.practice):
        there = sorted(People.at(desk.meeting).keys)

    joined = other.client.post(other.url, {**other.open(), "people": [*there, f"provider-{baker.pk}"]})
    assert joined.status_code == 302
    kept = me.save(mine, place="Hall")
    assert "it was kept: who is there" in words(me.client.get(kept.url))
    asked = me.client.post(me.url, {**mine, "people": [*there, f"provider-{cole.pk}"]})
    assert asked.status_code == 422
    assert "Who is there: Somebody changed this to" in words(asked)
    with practice_scope(desk.practice):
        assert set(People.at(Meeting.objects.get()).providers) == {desk.provider, baker}


GONE = {
    "ProviderForm": ("provider_edit", "phone"),
    "OfficeForm": ("office_edit", "phone"),
    "OfficeContactForm": ("office_contact_edit", "phone"),
    "LimitForm": ("gift_limit", "source"),
}


def take_away(desk: Desk, name: str) -> None:
    with practice_scope(desk.practice):
        who = {"by": desk.other, "now": NOW}
        if name == "ProviderForm":
            merge_providers(keep=make.provider("Okafor"), drop=desk.provider, **who)
        elif name == "OfficeForm":
            merge_offices(keep=make.office("Lakeside Family"), drop=desk.office, **who)
        else:
            (desk.contact if name == "OfficeContactForm" else desk.limit).delete()


@pytest.mark.parametrize("name", GONE)
def test_what_was_typed_over_a_row_that_is_gone_can_be_copied(desk, name):
    _shared, me, _other, mine = before(desk, name)
    take_away(desk, name)
    _url, field = GONE[name]
    gone = me.save(mine, **{field: "555-0123, after four"})
    assert gone.status_code == 410
    assert gone["Cache-Control"] == "no-store"
    assert "555-0123, after four" in words(gone)
    assert me.client.get(me.url).status_code == 404


def test_what_was_typed_is_shown_to_nobody_of_another_practice(desk):
    _shared, me, _other, mine = before(desk, "ProviderForm")
    stranger = Client()
    stranger.force_login(make.member("manager", make.practice("Elsewhere")).user)
    assert stranger.post(me.url, {**mine, "phone": "555-0123"}).status_code == 404


def test_a_draft_older_than_the_row_comes_back_and_asks(desk):
    _shared, me, other, mine = before(desk, "ChoiceForm")
    me.client.post(reverse("draft", args=["return_referral_choice"]), {**mine, "clinical_reason": "Syncope"})
    assert other.save(other.open(), clinical_reason="Murmur").status_code == 302

    restored = me.client.get(me.url)
    assert "Somebody has changed this since you typed" in words(restored)
    typed = fields_of(restored, having="clinical_reason")
    assert typed["clinical_reason"] == ["Syncope"]
    assert "Mara Voss changed this to “Murmur”" in words(me.save(typed))
    assert me.save(me.again(me.save(typed))).status_code == 302
    with practice_scope(desk.practice):
        assert not Draft.objects.exists()


def test_a_field_that_only_the_other_changed_stays_theirs_while_one_is_asked_about_another(desk):
    _shared, me, other, mine = before(desk, "ProviderForm")
    other.save(other.open(), phone="2", fax="9")
    asked = me.save(mine, phone="3")
    assert me.save(me.again(asked)).status_code == 302
    with practice_scope(desk.practice):
        provider = Provider.objects.get(pk=desk.provider.pk)
        assert (provider.phone, provider.fax) == ("3", "9")


class TestWay:
    """Steps of a referral from a page that is behind."""

    def step(self, at: At, stand: str, act: str, **said: str) -> Any:
        url = reverse("referral_step", args=[at.desk.referral.pk])
        return at.client.post(url, {"act": act, "stand": stand, **said}, follow=True)

    def test_an_appointment_is_not_moved_by_who_did_not_know_of_it(self, desk):
        with practice_scope(desk.practice):
            stand = stand_of(desk.referral)
        _shared, me, other, _mine = before(desk, "EditForm")
        self.step(other, stand, "scheduled", appointment_at="2026-11-30T10:00")

        refused = self.step(me, stand, "scheduled", appointment_at="2026-11-30T11:00")

        assert refused.status_code == 422
        assert "Mara Voss was here before you: scheduled" in words(refused)
        with practice_scope(desk.practice):
            row = Referral.objects.get()
            assert row.appointment_at.astimezone(desk.practice.zone).hour == 10
            stand = stand_of(row)
        assert 'value="2026-11-30T11:00"' in refused.content.decode()
        self.step(me, stand, "scheduled", appointment_at="2026-11-30T11:00")
        with practice_scope(desk.practice):
            assert Referral.objects.get().appointment_at.astimezone(desk.practice.zone).hour == 11

    def test_pressing_twice_is_no_conflict(self, desk):
        with practice_scope(desk.practice):
            stand = stand_of(desk.referral)
        _shared, me, _other, _mine = before(desk, "EditForm")
        self.step(me, stand, "contacted")
        assert "before you" not in words(self.step(me, stand, "contacted"))


def test_values_are_spelled_alike_by_row_and_form():
    assert as_text(Decimal("20.00")) == as_text(Decimal("20")) == "20"
    assert as_text("a\r\nb ") == as_text("a\nb")
    assert as_text(NOW) == as_text(NOW.astimezone(UTC))
    assert (as_text(None), as_text(True), as_text(TODAY)) == ("", "True", "2026-11-18")
