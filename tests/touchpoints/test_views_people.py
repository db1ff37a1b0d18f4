"""The page of a provider and of an office: where things stand, and one story that tells each reader what they may know."""

from datetime import date, timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import OfficeContact, ProviderOffice
from contacts.referral_way import move, withdraw
from practices.isolation import practice_scope
from practices.models import Cover, PatientAccess
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import Reminder, ThankYou, Touchpoint
from touchpoints.sparkline import sparkline
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.timeline import Story, timeline

pytestmark = pytest.mark.django_db
IN_WEEK = date(2026, 11, 10)
TODAY = date(2026, 11, 18)
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.office = make.office("Lakeside", phone="555-0100")
        desk.provider = make.provider("Okafor", at=desk.office, phone="555-0142")
    return desk


def sent(desk, **fields):
    defaults = {
        "provider": desk.provider,
        "physician": desk.physician,
        "received_on": IN_WEEK,
        "patient_family_name": PATIENT,
    }
    return make.referral(desk.coordinator, **{**defaults, **fields})


def reached_out(desk, **fields):
    defaults = {
        "kind": "call",
        "happened_on": IN_WEEK,
        "provider": desk.provider,
        "member": desk.physician,
        "logged_at": make.NOW,
        "logged_by": desk.physician,
    }
    return Touchpoint.objects.create(**{**defaults, **fields})


def page(client, member, thing, query="", **headers):
    client.force_login(member.user)
    name = "office" if thing._meta.model_name == "office" else "provider"
    response = client.get(reverse(name, args=[thing.pk]) + query, headers=headers or None)
    assert response.status_code == 200
    return " ".join(response.content.decode().split())


def story(desk, member, *, of=None, names=False, **kwargs):
    with practice_scope(desk.practice):
        told = Story(of or desk.provider, member, TODAY, names=names)
        return timeline(told, **{"limit": 50, **kwargs})


# Where things stand.


def test_provider_page_says_where_things_stand(client, desk):
    with practice_scope(desk.practice):
        for week in range(8):
            sent(desk, received_on=date(2026, 8, 5) + timedelta(days=9 * week))
        move(sent(desk), to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)
        reached_out(desk, happened_on=date(2026, 11, 6), is_thanks=True)

    shown = page(client, desk.manager, desk.provider)

    assert "Last thanked 12 days ago; 1 report due." in shown
    assert 'href="tel:555-0142"' in shown
    assert 'href="tel:555-0100"' in shown
    assert reverse("provider_edit", args=[desk.provider.pk]) in shown


def test_prospect_has_a_page_too(client, desk):
    assert "Has not referred yet." in page(client, desk.liaison, desk.provider)


def test_provider_page_names_offices_people_and_colleagues(client, desk):
    with practice_scope(desk.practice):
        OfficeContact.objects.create(office=desk.office, name="Rosa Ivanova", job="Front desk")
        make.provider("Lindqvist", at=desk.office)
        make.provider("Elsewhere", at=make.office())

    shown = page(client, desk.manager, desk.provider)

    assert reverse("office", args=[desk.office.pk]) in shown
    assert "Rosa Ivanova" in shown
    assert "Lindqvist" in shown
    assert "Elsewhere" not in shown


def test_provider_who_is_not_to_be_contacted_shows_that_and_no_standing(client, desk):
    with practice_scope(desk.practice):
        sent(desk)
        desk.provider.state = "deceased"
        desk.provider.save()

    shown = page(client, desk.manager, desk.provider)

    assert ">Deceased</span>" in shown
    assert ">New</span>" not in shown


@pytest.mark.parametrize("kind", ["provider", "office"])
def test_merged_one_leads_to_the_one_that_was_kept(client, desk, kind):
    keep = getattr(desk, kind)
    with practice_scope(desk.practice):
        drop = make.provider() if kind == "provider" else make.office()
        drop.merged_into = keep
        drop.save()
    client.force_login(desk.manager.user)

    assert client.get(reverse(kind, args=[drop.pk])).url == reverse(kind, args=[keep.pk])


def test_office_page_briefs_before_a_visit(client, desk):
    with practice_scope(desk.practice):
        move(sent(desk), to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)
        sent(desk, provider=None, office=desk.office)
        sent(desk, received_on=TODAY - timedelta(days=90))
        reached_out(desk, kind="meeting", office=desk.office, happened_on=date(2026, 11, 8))
        make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)
        acts.write_card(
            ThankYou.objects.get(list__week_starts_on=Week.of(IN_WEEK).monday),
            by=desk.physician,
            now=make.NOW,
        )

    shown = page(client, desk.liaison, desk.office)

    assert "Last visit 10 days ago." in shown
    assert "2 patients sent in the last 90 days, 1 of them seen." in shown
    assert "1 report back is due." in shown
    assert "Cards waiting to be written or mailed: 1." in shown


def test_office_shows_how_each_of_its_providers_refers(client, desk):
    with practice_scope(desk.practice):
        sent(desk)
        retired = make.provider("Lindqvist", at=desk.office, state="retired")
        sent(desk, provider=retired)

    shown = page(client, desk.manager, desk.office)

    assert "First referral 8 days ago." in shown
    assert ">Retired</span>" in shown


# The story.


def test_story_tells_everything_newest_first(desk):
    with practice_scope(desk.practice):
        sent(desk, received_on=date(2026, 11, 2))
        sent(desk)
        make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)
        first, second = ThankYou.objects.order_by("list__week_starts_on")
        acts.write_card(first, by=desk.physician, now=make.NOW - timedelta(days=6))
        acts.mark_mailed(first, by=desk.physician, now=make.NOW, on=date(2026, 11, 12))
        reached_out(desk, kind="meeting", happened_on=date(2026, 11, 5), note="Nice lunchroom")
        Reminder.objects.create(
            rule="cards_to_write", cause="x", member=desk.physician, provider=desk.provider,
            reason="The card is not written yet.", due_on=date(2026, 11, 20), made_at=make.NOW,
        )  # fmt: skip

    told = story(desk, desk.physician)

    assert [(entry.day.day, entry.text, entry.label) for entry in told] == [
        (20, "The card is not written yet.", "reminder"),
        (18, "On Physician One's thank-you list of November 9–15", "undecided"),
        (12, "Thank-you card for 1 patient, by Physician One", ""),
        (10, "Referred I.Q. to Physician One", "received"),
        (5, "Meeting, by Physician One", ""),
        (2, "Referred I.Q. to Physician One", "received"),
    ]
    assert second.state == "undecided"


def test_what_was_withdrawn_is_no_part_of_the_story(desk):
    with practice_scope(desk.practice):
        withdraw(sent(desk), by=desk.physician, now=make.NOW, reason="Logged twice")
        call = reached_out(desk)
        call.withdrawn_at, call.withdrawn_by = make.NOW, desk.physician
        call.save()

    assert story(desk, desk.manager) == []


def test_physician_sees_initials_of_their_own_patients_and_of_those_they_cover(desk):
    with practice_scope(desk.practice):
        mine = sent(desk)
        theirs = sent(desk, physician=desk.colleague)

    def told():
        return {entry.id: (entry.text, bool(entry.url)) for entry in story(desk, desk.physician)}

    before = told()
    with practice_scope(desk.practice):
        Cover.objects.create(
            physician=desk.colleague, covered_by=desk.physician, starts_on=TODAY, ends_on=TODAY,
            created_by=desk.manager,
        )  # fmt: skip

    assert before[mine.pk] == ("Referred I.Q. to Physician One", True)
    assert before[theirs.pk] == ("Referred a patient to Colleague Two", False)
    assert told()[theirs.pk] == ("Referred I.Q. to Colleague Two", True)


@pytest.mark.parametrize("query", ["", "?names=shown", "?kind=referrals", "?kind=touchpoints&names=shown"])
@pytest.mark.parametrize("thing", ["provider", "office"])
def test_liaison_learns_of_no_patient(client, desk, query, thing):
    with practice_scope(desk.practice):
        referral = sent(desk, office=desk.office, reason="Palpitations", notes="Lives alone")
        reached_out(desk, office=desk.office, referral=referral, note=f"About {PATIENT}")
        make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)
        acts.record_call(
            ThankYou.objects.get(), by=desk.physician, now=make.NOW, note=f"Said that {PATIENT} is well"
        )

    shown = page(client, desk.liaison, getattr(desk, thing), query)

    for word in (PATIENT, "I.Q.", "Ida", "Palpitations", "Lives alone", "Show names"):
        assert word not in shown
    with practice_scope(desk.practice):
        assert not PatientAccess.objects.exists()


def test_liaison_sees_kind_date_and_provider_of_a_touchpoint_about_a_referral(desk):
    with practice_scope(desk.practice):
        reached_out(desk, referral=sent(desk), note="About the patient")
        reached_out(desk, kind="meeting", note="Met the new front desk")

    bare, met = sorted(story(desk, desk.liaison, kind="touchpoints"), key=lambda entry: entry.id)

    assert (bare.text, bare.note) == ("Phone call", "")
    assert (met.text, met.note) == ("Meeting, by Physician One", "Met the new front desk")


def test_liaison_sees_referrals_by_reference_and_status(desk):
    with practice_scope(desk.practice):
        referral = sent(desk)

    (entry,) = story(desk, desk.liaison, names=True)

    assert (entry.text, entry.label) == (f"Referral R-{referral.pk} to Physician One", "received")


def test_names_and_notes_about_patients_are_shown_on_demand_and_on_the_record(client, desk):
    with practice_scope(desk.practice):
        referral = sent(desk)
        reached_out(desk, referral=referral, note="Asked about the dose")

    before = page(client, desk.coordinator, desk.provider)
    after = page(client, desk.coordinator, desk.provider, "?names=shown")

    assert PATIENT not in before
    assert "Asked about the dose" not in before
    assert f"Referred Ida {PATIENT}" in after
    assert "Asked about the dose" in after
    with practice_scope(desk.practice):
        seen = PatientAccess.objects.get()
    assert (seen.act, seen.page, seen.referral_ids) == ("revealed", "provider", [referral.pk])


def test_physician_is_shown_no_note_of_a_colleagues_call_about_a_patient(desk):
    with practice_scope(desk.practice):
        theirs = sent(desk, physician=desk.colleague)
        reached_out(desk, referral=theirs, member=desk.colleague, note="About the patient")

    (call,) = story(desk, desk.physician, kind="touchpoints", names=True)

    assert call.note == ""


@pytest.mark.parametrize(
    ("kind", "count"), [("", 4), ("referrals", 2), ("touchpoints", 1), ("thank-yous", 1), ("reminders", 0)]
)
def test_story_can_be_filtered_by_kind(desk, kind, count):
    with practice_scope(desk.practice):
        sent(desk)
        sent(desk)
        reached_out(desk)
        make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)

    assert len(story(desk, desk.manager, kind=kind)) == count


def test_story_is_paged_by_key_without_losing_or_repeating_a_line(desk):
    with practice_scope(desk.practice):
        for day in (9, 10, 10, 10, 11):
            sent(desk, received_on=date(2026, 11, day))
            reached_out(desk, happened_on=date(2026, 11, day))
        make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)
    whole = story(desk, desk.manager)

    for size in (1, 2, 3, 5):
        pages, after = [], None
        while found := story(desk, desk.manager, after=after, limit=size):
            pages += found
            last = found[-1]
            after = (last.day, last.rank, last.id)
        assert pages == whole


def test_malformed_key_or_kind_starts_over(client, desk):
    with practice_scope(desk.practice):
        sent(desk)

    for query in ("?after=x", "?after=2026-11-10~a~b", "?after=~~", "?kind=gossip"):
        assert "Referred I.Q." in page(client, desk.manager, desk.provider, query)


def test_filtering_with_htmx_answers_the_story_alone(client, desk):
    shown = page(client, desk.manager, desk.provider, "?kind=referrals", **{"HX-Request": "true"})

    assert shown.startswith('<section id="timeline"')
    assert "<html" not in shown


def test_offices_story_holds_what_came_from_it_and_from_its_providers(desk):
    with practice_scope(desk.practice):
        elsewhere = make.office("Elsewhere")
        named = sent(desk, provider=None, office=desk.office)
        through_provider = sent(desk)
        sent(desk, office=elsewhere)

    told = story(desk, desk.manager, of=desk.office, kind="referrals")

    assert {entry.id for entry in told} == {named.pk, through_provider.pk}
    assert {entry.text for entry in told} == {
        "Referred I.Q. to Physician One",
        "Dr. Okafor: Referred I.Q. to Physician One",
    }


# The line of months.


def test_sparkline_counts_months_and_says_what_it_shows():
    drawn = sparkline({date(2026, 11, 2): 2, date(2026, 11, 30): 1, date(2026, 9, 1): 1}, today=TODAY)

    assert (len(drawn.months), drawn.months[0], drawn.months[-1]) == (
        24,
        date(2024, 12, 1),
        date(2026, 11, 1),
    )
    assert drawn.counts[-3:] == [1, 0, 3]
    assert drawn.sentence == "4 patients in 24 months; most in November 2026, with 3."
    assert drawn.table[0] == (date(2026, 11, 1), 3)


def test_sparkline_of_nothing_is_a_flat_line():
    drawn = sparkline({}, today=TODAY)

    assert drawn.sentence == "No patient in 24 months."
    assert {y for _x, y in drawn.points} == {38}


def test_sparkline_stands_on_the_page_with_its_table(client, desk):
    with practice_scope(desk.practice):
        sent(desk)

    shown = page(client, desk.manager, desk.provider)

    assert 'aria-label="1 patient in 24 months; most in November 2026, with 1."' in shown
    assert '<th scope="row">November 2026</th> <td class="number">1</td>' in shown


# Cost.


@pytest.mark.parametrize("thing", ["provider", "office"])
@pytest.mark.parametrize("role", [role.value for role in Role])
def test_page_costs_at_most_twelve_queries_however_long_the_story(client, desk, role, thing):
    def more():
        with practice_scope(desk.practice):
            for _one in range(3):
                sent(desk)
                reached_out(desk)
                colleague = make.provider(at=desk.office)
                sent(desk, provider=colleague)
                ProviderOffice.objects.create(provider=desk.provider, office=make.office(), is_main=False)
                OfficeContact.objects.create(office=desk.office, name="Rosa Ivanova")
            make_thank_you_lists(week=Week.of(IN_WEEK), now=make.NOW)

    def queries():
        client.force_login(getattr(desk, role).user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get(reverse(thing, args=[getattr(desk, thing).pk])).status_code == 200
        return len(captured)

    more()
    few = queries()
    more()

    assert queries() == few <= 12


def test_a_long_run_of_referrals_is_one_entry_for_each_month_that_opens_to_them(client, desk):
    with practice_scope(desk.practice):
        for day in (date(2026, 10, 28), date(2026, 11, 3), date(2026, 11, 5), date(2026, 11, 5)):
            sent(desk, received_on=day)
        sent(desk, received_on=date(2026, 11, 9))
        reached_out(desk, happened_on=date(2026, 11, 10))

    shown = page(client, desk.manager, desk.provider)

    assert "<summary>4 referrals, November 3–9</summary>" in shown
    assert shown.count("Referred ") == 5
    assert "4 referrals, November" not in page(client, desk.manager, desk.provider, "?kind=referrals")
