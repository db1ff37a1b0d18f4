"""Who fits a patient's need: in which order, for which reason, and that nothing else weighs."""

from dataclasses import fields, replace
from datetime import date, timedelta

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import Provider
from practices.isolation import practice_scope
from tests import make
from tests.counts import examples
from touchpoints.fit import FRESH, Candidate, Need, Place, ranked
from touchpoints.models import Touchpoint
from touchpoints.offering import offered_for

TODAY = date(2026, 11, 18)
OAK_PARK, NEXT_TO_IT, FAR_OFF = "60302", "60304", "60601"
NEED = Need(zip_code=OAK_PARK, language="Spanish", payer="Aetna")
BEST = Candidate(
    provider_id=1,
    name="Amara Okafor, MD",
    sorted_by="okafor amara",
    specialty="Cardiology",
    places=(Place(7, "Lakeside", OAK_PARK),),
    languages=("English", "Spanish"),
    payers=("Aetna", "Cigna"),
    accepts=True,
    confirmed_on=date(2026, 10, 4),
)

words = st.lists(st.sampled_from(["Spanish", "Polish", "Aetna", "Cigna"]), max_size=2).map(tuple)
candidates = st.lists(
    st.builds(
        Candidate,
        provider_id=st.integers(1, 10**6),
        name=st.sampled_from(["A", "B"]),
        sorted_by=st.sampled_from(["a", "b"]),
        specialty=st.just("Cardiology"),
        places=st.lists(
            st.builds(
                Place,
                office_id=st.integers(1, 5),
                name=st.just("Lakeside"),
                zip_code=st.sampled_from([OAK_PARK, NEXT_TO_IT, FAR_OFF, "", "00000"]),
            ),
            max_size=3,
        ).map(tuple),
        languages=words,
        payers=words,
        accepts=st.sampled_from([True, False, None]),
        confirmed_on=st.none() | st.dates(TODAY - 2 * FRESH, TODAY),
    ),
    max_size=12,
    unique_by=lambda candidate: candidate.provider_id,
)
needs = st.builds(
    Need,
    zip_code=st.sampled_from([OAK_PARK, "", "00000"]),
    language=st.sampled_from(["", "Spanish"]),
    payer=st.sampled_from(["", "Aetna"]),
    is_urgent=st.booleans(),
)


def order(need, *found):
    return [fit.candidate.provider_id for fit in ranked(need, found, today=TODAY)]


def why(candidate, need=NEED):
    (fit,) = ranked(need, [candidate], today=TODAY)
    return fit.reason


def far(candidate, **changes):
    return replace(candidate, provider_id=2, places=(Place(8, "Loop", FAR_OFF),), **changes)


class TestReason:
    def test_says_what_was_asked_for_and_when_it_was_confirmed(self):
        assert why(BEST) == (
            "Cardiology; accepts new patients (confirmed October 4, 2026); takes Aetna; speaks Spanish; "
            "less than a mile"
        )

    def test_says_unknown_as_unknown(self):
        unknown = replace(BEST, places=(), languages=(), payers=(), accepts=None, confirmed_on=None)
        assert why(unknown) == (
            "Cardiology; not known whether new patients are accepted; payers not known; languages not known; "
            "distance not known"
        )

    def test_says_what_does_not_fit(self):
        other = replace(BEST, languages=("Polish",), payers=("Cigna",), accepts=False)
        assert why(other) == (
            "Cardiology; does not accept new patients (as of October 4, 2026); Aetna is not among the payers listed; "
            "Spanish is not among the languages listed; less than a mile"
        )

    def test_is_silent_about_what_was_not_asked(self):
        assert why(BEST, Need()) == "Cardiology; accepts new patients (confirmed October 4, 2026)"

    def test_asks_again_for_a_patient_in_a_hurry_when_the_word_is_old(self):
        old = replace(BEST, confirmed_on=TODAY - FRESH - timedelta(days=1))
        assert "ask again, it is urgent" in why(old, replace(NEED, is_urgent=True))
        assert "ask again" not in why(old)

    def test_names_the_office_that_is_nearest(self):
        two = replace(BEST, places=(Place(8, "Loop", FAR_OFF), Place(9, "Corner", NEXT_TO_IT)))
        (fit,) = ranked(NEED, [two], today=TODAY)
        assert (fit.place.name, fit.reasons[-1]) == ("Corner", "1 mile")


class TestOrder:
    @pytest.mark.parametrize(
        "lack",
        [
            {"accepts": None},
            {"accepts": False},
            {"payers": ()},
            {"payers": ("Cigna",)},
            {"languages": ()},
            {"languages": ("Polish",)},
        ],
    )
    def test_what_is_asked_for_comes_before_a_shorter_way(self, lack):
        near_but = replace(BEST, provider_id=1, **lack)
        assert order(NEED, near_but, far(BEST)) == [2, 1]

    def test_unknown_stands_between_yes_and_no(self):
        found = [
            replace(BEST, provider_id=number, payers=payers)
            for number, payers in enumerate([("Cigna",), (), ("Aetna",)])
        ]
        assert order(NEED, *found) == [2, 1, 0]

    def test_nearer_wins_among_equals_and_an_unknown_way_is_last(self):
        assert order(NEED, replace(BEST, provider_id=3, places=()), far(BEST), BEST) == [1, 2, 3]

    def test_words_are_compared_without_case_and_spaces(self):
        assert order(NEED, replace(BEST, provider_id=3, payers=("  aEtna ",)), far(BEST)) == [3, 2]

    def test_a_fresh_word_counts_more_for_a_patient_in_a_hurry(self):
        old = replace(BEST, confirmed_on=TODAY - FRESH - timedelta(days=1))
        assert order(NEED, old, far(BEST)) == [1, 2]
        assert order(replace(NEED, is_urgent=True), old, far(BEST)) == [2, 1]

    @settings(max_examples=examples(100, full=3000))
    @given(needs, candidates, st.randoms(use_true_random=False))
    def test_is_total_and_always_the_same(self, need, found, random):
        first = order(need, *found)
        random.shuffle(found)
        assert order(need, *found) == first
        assert sorted(first) == sorted(candidate.provider_id for candidate in found)
        assert [fit.rank for fit in ranked(need, found, today=TODAY)] == list(range(1, len(found) + 1))

    @settings(max_examples=examples(100, full=3000))
    @given(needs, candidates)
    def test_depends_on_nobody_else(self, need, found):
        """Taking one away leaves the others in their order."""
        whole = order(need, *found)
        for gone in found:
            rest = [candidate for candidate in found if candidate != gone]
            assert order(need, *rest) == [pk for pk in whole if pk != gone.provider_id]

    @settings(max_examples=examples(100, full=3000))
    @given(needs, candidates)
    def test_whoever_gains_what_is_asked_for_never_falls(self, need, found):
        for candidate in found:
            better = replace(
                candidate, accepts=True, confirmed_on=TODAY, languages=("Spanish",), payers=("Aetna",)
            )
            others = [other for other in found if other != candidate]
            before = order(need, candidate, *others).index(candidate.provider_id)
            assert order(need, better, *others).index(candidate.provider_id) <= before


def test_the_ranking_is_not_even_told_what_must_not_weigh():
    told = {field.name for field in fields(Candidate)} | {field.name for field in fields(Place)}
    assert told == {
        *("provider_id", "name", "sorted_by", "specialty", "places", "languages", "payers", "accepts"),
        *("confirmed_on", "office_id", "zip_code"),
    }


habits = st.lists(
    st.tuples(st.integers(0, 4), st.sampled_from("ABC"), st.booleans(), st.booleans()), min_size=4, max_size=4
)


class Undo(Exception):
    """Leaves the transaction without keeping it."""


@pytest.mark.django_db
def test_is_unchanged_whatever_a_provider_sends_whatever_their_tier_and_standing():
    practice = make.practice()
    coordinator = make.member("coordinator", practice)
    with practice_scope(practice):
        cardiology = make.specialty()
        offices = [make.office(zip_code=zip_code) for zip_code in (OAK_PARK, FAR_OFF)]
        network = [
            make.provider(at=offices[number % 2], specialty=cardiology, is_accepting_patients=accepts)
            for number, accepts in enumerate([True, True, None, False])
        ]
        row = make.return_referral(coordinator, specialty=cardiology, zip_code=OAK_PARK)
        before = offered_for(row, today=TODAY)

        @settings(max_examples=examples(10, full=200), deadline=None)
        @given(habits)
        def property_holds(drawn):
            try:
                with transaction.atomic():
                    for provider, habit in zip(network, drawn, strict=True):
                        live(provider, *habit, by=coordinator)
                    assert offered_for(row, today=TODAY) == before
                    raise Undo
            except Undo:
                pass

        property_holds()


def live(provider, count, tier, has_sent_long_ago, was_thanked, *, by):
    """Referrals lately or long ago, a tier, a patient of ours sent to them, a thank-you."""
    Provider.objects.filter(pk=provider.pk).update(tier=tier)
    for number in range(count):
        on = TODAY - timedelta(days=number * 9 + (600 if has_sent_long_ago else 1))
        make.referral(by, provider=provider, received_on=on)
    if was_thanked:
        Touchpoint.objects.create(
            kind="card", happened_on=TODAY, provider=provider, member=by, logged_at=make.NOW, logged_by=by
        )


@pytest.mark.django_db
def test_only_active_providers_of_the_specialty_are_offered():
    practice = make.practice()
    coordinator = make.member("coordinator", practice)
    with practice_scope(practice):
        cardiology, other = make.specialty(), make.specialty("Neurology")
        fits = make.provider(specialty=cardiology)
        for state in ("moved", "retired", "deceased", "do_not_contact"):
            make.provider(specialty=cardiology, state=state)
        make.provider(specialty=other)
        make.provider(specialty=cardiology, merged_into=fits)
        row = make.return_referral(coordinator, specialty=cardiology)
        assert [fit.candidate.provider_id for fit in offered_for(row, today=TODAY)] == [fits.pk]
