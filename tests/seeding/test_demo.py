"""The demo is what docs/demo.md says: its size, its figures, and something to do."""

from collections import Counter, defaultdict
from itertools import pairwise
from statistics import mean

import pytest
from django.db.models import Max

from contacts.models import Office, OfficeContact, Provider, Referral, ReferralStep
from contacts.npi import is_valid
from contacts.search import nearest
from contacts.standing import Rhythm, Standing, rhythms, standing_on
from practices.isolation import practice_scope
from practices.models import Location, Member, User
from referralcrm.seeding.specialties import KINDS, OWN_SPECIALTIES
from referralcrm.seeding.words import CLINICIAN_NAMES, PATIENT_NAMES
from tests.seeding.conftest import UNTIL
from touchpoints.models import Reminder, ThankYou, ThankYouList, ThankYouReferral, Touchpoint
from touchpoints.reminders import remind
from touchpoints.thank_you_lists import make_due_thank_you_lists


@pytest.fixture
def first(demo):
    """Inside the first practice."""
    with practice_scope(demo[0]):
        yield demo[0]


def test_the_first_practice_has_the_size_of_a_real_one(first):
    assert Member.objects.physicians().count() == 4
    assert Location.objects.count() == 3
    assert Office.objects.count() == 60
    assert OfficeContact.objects.count() >= 60
    assert Provider.objects.count() == 160
    assert Provider.objects.filter(referrals=None).count() in range(38, 43)
    referring = Provider.objects.order_by("pk")[:120]  # the larger senders first, then the prospects
    assert Counter(provider.tier for provider in referring) == {"A": 12, "B": 30, "C": 78}


def test_about_160_referrals_a_month_arrive_until_the_current_week(first, days):
    assert Referral.objects.count() == 3860
    months = Counter(day.strftime("%Y-%m") for day in Referral.objects.values_list("received_on", flat=True))
    whole = [count for month, count in months.items() if month not in ("2024-11", "2026-11")]
    assert mean(whole) == pytest.approx(160, rel=0.05)
    assert Referral.objects.filter(received_on__gte=UNTIL.replace(day=16)).exists()


def test_the_top_fifth_sends_about_seventy_percent(first):
    counts = sorted(
        Counter(Referral.objects.exclude(provider=None).values_list("provider", flat=True)).values()
    )
    assert sum(counts[-24:]) / sum(counts) == pytest.approx(0.70, abs=0.03)


def test_about_half_of_the_referrals_are_seen_and_23_percent_of_booked_visits_are_no_shows(first):
    seen = Referral.objects.filter(status__in=["seen", "closed"]).count()
    assert seen / Referral.objects.count() == pytest.approx(0.5, abs=0.04)
    steps = Counter(ReferralStep.objects.values_list("act", flat=True))
    ahead = Referral.objects.filter(status="scheduled").count()
    assert steps["no_show"] / (steps["scheduled"] - ahead) == pytest.approx(0.23, abs=0.02)


def test_patients_wait_as_long_as_the_specialty_makes_them(first):
    waits = defaultdict(list)
    # The first booking of those that came: when it was made, and the day of the visit.
    seen = Referral.objects.filter(status="closed", urgency="routine").prefetch_related("steps")
    for referral in seen:
        booked = [step for step in referral.steps.all() if step.act == "scheduled"]
        if len(booked) == 1:
            waits[referral.physician_id].append((referral.seen_on - booked[0].at.date()).days)
    means = [mean(waits[member.pk]) for member in Member.objects.filter(role="physician").order_by("pk")]
    assert means == pytest.approx([own.wait_days for own in OWN_SPECIALTIES[:4]], rel=0.08)


def test_every_credential_state_and_standing_occurs(first):
    assert set(Provider.objects.values_list("credentials", flat=True)) == {kind.credentials for kind in KINDS}
    assert set(Provider.objects.values_list("state", flat=True)) == set(Provider.State.values)
    known = rhythms(UNTIL)
    found = Counter(standing_on(UNTIL, known.get(row.pk, Rhythm())) for row in Provider.objects.active())
    assert set(found) == set(Standing)
    assert min(found.values()) >= 4


def test_npis_are_valid_and_no_provider_is_found_by_nothing(first):
    npis = list(Provider.objects.exclude(npi=None).values_list("npi", flat=True))
    assert len(npis) > 130
    assert all(is_valid(npi) for npi in npis)
    somebody = Provider.objects.exclude(npi=None).order_by("pk")[0]
    assert somebody in nearest(Provider.objects.all(), somebody.family_name)
    assert somebody in nearest(Provider.objects.all(), somebody.npi)


def test_there_is_something_open_of_each_kind(first, days):
    now = days.now
    assert Referral.objects.awaiting_provider().count() >= 4
    assert Referral.objects.awaiting_patient().count() == 2
    assert Referral.objects.filter(physician=None).count() == 4
    overdue = set(Referral.objects.overdue(now).values_list("next_action", flat=True))
    assert {"contact", "report_back"} <= overdue
    assert Referral.objects.awaiting_report_back().filter(next_action_due_at__gt=now).exists()
    assert Referral.objects.filter(status="scheduled", appointment_at__gt=now).count() > 20
    assert Referral.objects.exclude(withdrawn_at=None).exists()


def test_earlier_lists_are_done_with_and_the_newest_waits(first, days):
    newest = ThankYouList.objects.aggregate(newest=Max("week_starts_on"))["newest"]
    assert newest == first.lists_made_through == UNTIL.replace(day=9)
    assert ThankYouList.objects.filter(week_starts_on=newest).count() == 4
    assert ThankYouList.objects.order_by("week_starts_on")[0].week_starts_on == first.starts_on
    rows = Counter(ThankYou.objects.filter(list__week_starts_on=newest).values_list("state", flat=True))
    assert rows["undecided"] > rows.total() * 0.6
    assert not ThankYou.objects.undecided().exclude(list__week_starts_on=newest).exists()
    assert ThankYou.objects.written().exists() or ThankYou.objects.to_write().exists()
    assert ThankYouList.objects.filter(finished_at=None).exclude(week_starts_on=newest).count() <= 4


def test_the_physician_who_signs_in_has_everything_to_decide(first):
    theirs = ThankYouList.objects.filter(physician__user__email="physician@demo.example")
    states = set(theirs.order_by("-week_starts_on")[0].rows.values_list("state", flat=True))
    assert states == {"undecided"}


def test_the_tick_finds_nothing_left_to_make(first, days):
    links, reminders = ThankYouReferral.objects.count(), Reminder.objects.count()
    assert make_due_thank_you_lists(now=days.now) == 0
    remind(now=days.now)
    assert ThankYouReferral.objects.count() == links
    assert Reminder.objects.count() == reminders > 0


def test_nobody_who_left_stands_on_a_list(first):
    assert not ThankYou.objects.exclude(provider__state="active").exists()


def test_nothing_lies_after_the_last_morning(first, days):
    latest = [
        Referral.objects.aggregate(at=Max("logged_at"))["at"],
        Referral.objects.aggregate(at=Max("reported_back_at"))["at"],
        ReferralStep.objects.aggregate(at=Max("at"))["at"],
        Touchpoint.objects.aggregate(at=Max("logged_at"))["at"],
        ThankYouList.objects.aggregate(at=Max("made_at"))["at"],
        ThankYouList.objects.aggregate(at=Max("finished_at"))["at"],
        ThankYou.objects.aggregate(at=Max("decided_at"))["at"],
        ThankYou.objects.aggregate(at=Max("written_at"))["at"],
    ]
    assert max(latest) <= days.now
    assert Touchpoint.objects.aggregate(on=Max("happened_on"))["on"] <= UNTIL


def test_history_causes_nothing_to_do(first):
    history = Referral.objects.filter(received_on__lt=first.starts_on)
    assert history.count() > 3000
    assert not history.exclude(next_action="").exists()
    assert not ThankYouReferral.objects.filter(referral__in=history).exists()


def test_cards_calls_and_visits_stand_on_the_timeline(first):
    kinds = Counter(Touchpoint.objects.values_list("kind", flat=True))
    assert min(kinds[kind] for kind in ("card", "call", "meeting")) > 200
    mailed = ThankYou.objects.filter(state="mailed").select_related("card")
    assert all((row.card.kind, row.card.happened_on) == ("card", row.mailed_on) for row in mailed)


def test_no_card_follows_another_within_28_days(first):
    by_pair = defaultdict(list)
    cards = Touchpoint.objects.filter(kind="card").order_by("happened_on")
    for member, provider, on in cards.values_list("member", "provider", "happened_on"):
        by_pair[member, provider].append(on)
    gaps = [(later - earlier).days for days in by_pair.values() for earlier, later in pairwise(days)]
    assert min(gaps) >= 28


def test_those_named_in_the_documents_sign_in_and_nobody_else(demo):
    emails = {f"{who}@demo.example" for who in ("manager", "coordinator", "physician", "liaison", "stranger")}
    known = {user.email: user for user in User.objects.filter(email__in=emails)}
    assert known.keys() == emails
    assert all(user.check_password("referral-demo") for user in known.values())
    assert not User.objects.get(email="physician2@demo.example").has_usable_password()


def test_the_stranger_manages_the_other_practice(demo):
    with practice_scope(demo[1]):
        assert Member.objects.get(user__email="stranger@demo.example").is_manager
        assert Referral.objects.count() == 480
        assert not Member.objects.filter(user__email="manager@demo.example").exists()


def test_no_patient_has_a_clinicians_family_name():
    assert set(PATIENT_NAMES).isdisjoint(CLINICIAN_NAMES)
