"""Merging moves whatever points at the one, and undoing puts every row of every table back."""

from datetime import date, timedelta

import pytest
from django.apps import apps
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.merging import (
    CannotMerge,
    CannotUndo,
    merge_offices,
    merge_providers,
    undo_merge,
    what_points_at,
    what_stays,
    why_not_undone,
)
from contacts.models import Merge, NotADouble, Office, OfficeContact, Provider, ProviderOffice, Referral
from contacts.search import refresh_search
from practices.isolation import practice_scope
from practices.models import PracticeModel
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints.models import Reminder, ThankYou, ThankYouList, ThankYouReferral, Touchpoint
from touchpoints.thank_you_acts import mark_mailed
from touchpoints.thank_you_lists import keep_lists_true

pytestmark = pytest.mark.django_db
NOW = make.NOW
DAY = timedelta(days=1)


@pytest.fixture
def scene():
    practice = make.practice()
    manager = make.member(Role.MANAGER, practice)
    physician = make.member(Role.PHYSICIAN, practice)
    with practice_scope(practice):
        yield Scene(manager, physician)


class Scene:
    def __init__(self, manager, physician):
        self.manager, self.physician = manager, physician
        self.week = Week.of(date(2026, 11, 9))
        self.list = ThankYouList.objects.create(
            physician=physician, week_starts_on=self.week.monday, made_at=NOW
        )

    def referral(self, provider, **fields):
        return make.referral(self.manager, provider=provider, physician=self.physician, **fields)

    def row(self, provider, state="undecided", referrals=(), **fields):
        if state != "undecided":
            fields |= {"decided_at": NOW, "decided_by": self.physician}
        row = ThankYou.objects.create(list=self.list, provider=provider, state=state, **fields)
        for referral in referrals:
            ThankYouReferral.objects.create(thank_you=row, referral=referral)
        return row

    def merge(self, keep, drop, now=NOW, **values):
        return merge_providers(keep=keep, drop=drop, by=self.manager, now=now, values=values)


def everything() -> dict[str, list]:
    """Every row of every table of the practice, but the merges, the trail, and what is to be counted again."""
    left_out = {Merge._meta.label, "insights.Uncounted", "practices.AuditEntry"}
    models = [m for m in apps.get_models() if issubclass(m, PracticeModel) and m._meta.label not in left_out]
    return {
        m._meta.label: sorted(m.objects.values_list(*[f.attname for f in m._meta.concrete_fields]), key=str)
        for m in models
    }


def test_whatever_points_at_the_dropped_points_at_the_kept(scene):
    office = make.office()
    keep, drop = make.provider(), make.provider(at=office)
    referral = scene.referral(drop)
    call = Touchpoint.objects.create(
        kind="call", happened_on=NOW.date(), provider=drop, member=scene.physician,
        logged_at=NOW, logged_by=scene.manager,
    )  # fmt: skip
    reminder = Reminder.objects.create(
        rule="in_touch", cause="1", member=scene.manager, provider=drop, reason="It is time.",
        due_on=NOW.date(), made_at=NOW,
    )  # fmt: skip
    assert what_points_at(drop) == {
        "contacts.provideroffice": 1,
        "contacts.referral": 1,
        "touchpoints.touchpoint": 1,
        "touchpoints.reminder": 1,
    }

    scene.merge(keep, drop)

    assert [row.provider_id for row in _fresh(referral, call, reminder)] == [keep.pk] * 3
    assert what_points_at(drop) == {}
    assert _fresh(drop)[0].merged_into == keep
    assert list(Provider.objects.current()) == [keep]
    assert keep.places.get().is_main


def test_every_reference_to_a_provider_is_among_those_moved():
    """A new model that points at a provider is moved without anybody thinking of it."""
    from contacts.merging import _references

    tables = {field.model._meta.label_lower for field in _references(Provider)}
    pointing = {
        model._meta.label_lower
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.remote_field and field.remote_field.model is Provider
    }
    assert tables == pointing - {"contacts.merge", "contacts.notadouble"}
    assert {"contacts.referral", "touchpoints.touchpoint", "touchpoints.thankyou"} <= tables


def test_values_chosen_are_kept_also_the_npi_of_the_dropped(scene):
    npi = make.npi()
    keep, drop = make.provider("Okafor", phone="555-0100"), make.provider("Okafour", npi=npi, tier="A")
    scene.merge(keep, drop, npi=npi, tier="A")
    (keep,) = _fresh(keep)
    assert (keep.family_name, keep.phone, keep.npi, keep.tier) == ("Okafor", "555-0100", npi, "A")
    assert npi in keep.search


def test_a_field_that_is_not_to_be_chosen_is_refused(scene):
    with pytest.raises(ValueError, match="merged_into"):
        scene.merge(make.provider(), make.provider(), merged_into=None)


def test_offices_come_together_with_one_main(scene):
    ours, shared = make.office(), make.office()
    keep, drop = make.provider(at=ours), make.provider(at=shared)
    ProviderOffice.objects.create(provider=keep, office=shared, is_main=False)
    scene.merge(keep, drop)
    places = {place.office: place.is_main for place in keep.places.all()}
    assert places == {ours: True, shared: False}


def test_the_undecided_row_of_a_list_gives_its_patients_to_the_other(scene):
    keep, drop = make.provider(), make.provider()
    first, second = scene.referral(keep), scene.referral(drop)
    decided = scene.row(keep, "to_write", [first], personal_line="Thank you")
    scene.row(drop, "undecided", [second], personal_line="Well met")
    scene.merge(keep, drop)
    row = ThankYou.objects.get()
    assert row == decided
    assert row.personal_line == "Thank you"
    assert set(row.referrals.all()) == {first, second}


def test_the_keepers_undecided_row_gives_way_to_a_decided_one(scene):
    keep, drop = make.provider(), make.provider()
    first, second = scene.referral(keep), scene.referral(drop)
    scene.row(keep, "undecided", [first])
    decided = scene.row(drop, "to_write", [second])
    scene.merge(keep, drop)
    row = ThankYou.objects.get()
    assert (row, row.provider) == (decided, keep)
    assert set(row.referrals.all()) == {first, second}


def test_of_two_undecided_rows_one_remains_with_both_lines(scene):
    keep, drop = make.provider(), make.provider()
    scene.row(keep, personal_line="From the first")
    scene.row(drop, personal_line="From the second", assignee=scene.manager)
    scene.merge(keep, drop)
    row = ThankYou.objects.get()
    assert row.provider == keep
    assert row.personal_line == "From the first\nFrom the second"
    assert row.assignee == scene.manager


def test_two_decided_rows_of_a_list_both_stay(scene):
    keep, drop = make.provider(), make.provider()
    mine, theirs = scene.row(keep, "skipped"), scene.row(drop, "carried")
    assert what_stays(keep=keep, drop=drop) == [theirs]
    scene.merge(keep, drop)
    assert [row.provider_id for row in _fresh(mine, theirs)] == [keep.pk, drop.pk]


def test_a_card_mailed_under_the_old_name_stands_with_who_is_kept(scene):
    keep, drop = make.provider(), make.provider()
    scene.row(keep, "skipped")
    theirs = scene.row(drop, "to_write")
    scene.merge(keep, drop)
    row = mark_mailed(theirs, by=scene.manager, now=NOW)
    assert (row.provider, row.card.provider) == (drop, keep)


def test_a_list_whose_last_open_row_was_folded_is_reviewed_until_that_is_undone(scene):
    keep, drop = make.provider(), make.provider()
    referral = scene.referral(drop, received_on=scene.week.monday)
    scene.row(keep, "to_write")
    scene.row(drop, "undecided", [referral])
    merge = scene.merge(keep, drop)
    keep_lists_true(now=NOW)
    assert _fresh(scene.list)[0].reviewed_by == scene.physician
    undo_merge(merge, by=scene.manager, now=NOW)
    keep_lists_true(now=NOW)
    assert _fresh(scene.list)[0].reviewed_at is None
    assert ThankYou.objects.undecided().get().provider == drop


def test_merging_sends_no_mail(scene, mailoutbox):
    from practices.models import OutboxEnvelope

    scene.merge(make.provider(), make.provider(email="a@example.test"))
    assert not OutboxEnvelope.objects.exists()
    assert mailoutbox == []


def test_one_that_was_merged_is_not_merged_again(scene):
    keep, drop, third = make.provider(), make.provider(), make.provider()
    scene.merge(keep, drop)
    for pair in ((third, drop), (drop, third), (keep, drop), (keep, keep)):
        with pytest.raises(CannotMerge), transaction.atomic():
            scene.merge(*pair)


def test_the_record_of_a_merge_is_encrypted(scene):
    from django.db import connection

    keep, drop = make.provider(), make.provider()
    scene.row(keep), scene.row(drop, personal_line="A line nobody else reads")
    merge = scene.merge(keep, drop)
    with connection.cursor() as cursor:
        cursor.execute("SELECT steps FROM contacts_merge WHERE id = %s", [merge.pk])
        stored = bytes(cursor.fetchone()[0])
    assert b"nobody" not in stored
    assert "A line nobody else reads" in _fresh(merge)[0].steps


def test_offices_merge_with_their_people_and_undo(scene):
    keep, drop = make.office("Lakeside"), make.office("Lakeside Family Med", fax="555-0102")
    both = make.provider(at=drop)
    ProviderOffice.objects.create(provider=both, office=keep, is_main=False)
    refresh_search(providers=[both.pk])
    contact = OfficeContact.objects.create(office=drop, name="Rosa Lind")
    referral = scene.referral(None, office=drop)
    before = everything()

    merge = merge_offices(keep=keep, drop=drop, by=scene.manager, now=NOW, values={"fax": "555-0102"})

    assert [row.office_id for row in _fresh(contact, referral)] == [keep.pk, keep.pk]
    assert both.places.get().office == keep
    assert both.places.get().is_main
    assert _fresh(keep)[0].fax == "555-0102"
    assert "family med" not in _fresh(both)[0].search

    assert undo_merge(merge, by=scene.manager, now=NOW) == 0
    assert everything() == before


def test_undoing_twice_changes_nothing(scene):
    keep, drop = make.provider(), make.provider()
    scene.referral(drop)
    merge = scene.merge(keep, drop)
    undo_merge(merge, by=scene.manager, now=NOW)
    after = everything()
    assert undo_merge(merge, by=scene.manager, now=NOW) == 0
    assert everything() == after


def test_a_merge_can_be_undone_for_thirty_days(scene):
    merge = scene.merge(make.provider(), make.provider())
    assert why_not_undone(merge, now=NOW + 30 * DAY) == ""
    with pytest.raises(CannotUndo, match="30 days"):
        undo_merge(merge, by=scene.manager, now=NOW + 30 * DAY + timedelta(seconds=1))


def test_merges_of_one_provider_are_undone_newest_first(scene):
    first, second, third = make.provider("Abel"), make.provider("Baker"), make.provider("Cole")
    referral = scene.referral(first)
    before = everything()
    earlier = scene.merge(second, first)
    later = scene.merge(third, second)
    assert _fresh(first)[0].merged_into == third, "one hop leads to who stands for them"
    with pytest.raises(CannotUndo, match=r"Baker.*Cole"):
        undo_merge(earlier, by=scene.manager, now=NOW)
    undo_merge(later, by=scene.manager, now=NOW)
    undo_merge(earlier, by=scene.manager, now=NOW)
    assert everything() == before
    assert _fresh(referral)[0].provider == first


def test_what_was_changed_since_stays_and_what_came_since_too(scene):
    keep, drop, third = make.provider(phone="1"), make.provider(phone="2"), make.provider()
    moved, corrected = scene.referral(drop), scene.referral(drop)
    merge = scene.merge(keep, drop, phone="2", fax="9")
    Provider.objects.filter(pk=keep.pk).update(phone="3")
    Referral.objects.filter(pk=corrected.pk).update(provider=third)
    came = scene.referral(_fresh(keep)[0])

    assert undo_merge(merge, by=scene.manager, now=NOW) == 2

    (keep,) = _fresh(keep)
    assert (keep.phone, keep.fax) == ("3", "")
    assert [row.provider for row in _fresh(moved, corrected, came)] == [drop, third, keep]


def test_an_npi_given_away_since_refuses_the_undoing(scene):
    npi = make.npi()
    keep, drop = make.provider(), make.provider(npi=npi)
    merge = scene.merge(keep, drop)
    other = make.provider("Zimmer", npi=npi)
    before = everything()
    with pytest.raises(CannotUndo, match="Zimmer"):
        undo_merge(merge, by=scene.manager, now=NOW)
    Provider.objects.filter(pk=other.pk).update(npi=None)
    Provider.objects.filter(pk=keep.pk).update(npi=npi)
    with pytest.raises(CannotUndo, match="stands in the way"):
        undo_merge(merge, by=scene.manager, now=NOW)
    Provider.objects.filter(pk=keep.pk).update(npi=None)
    Provider.objects.filter(pk=other.pk).update(npi=npi)
    assert everything() == before, "a refused undoing changes nothing"


def test_a_merge_is_of_one_pair(scene):
    from django.db import IntegrityError

    a, b, office = make.provider(), make.provider(), make.office()
    common = {"merged_by": scene.manager, "merged_at": NOW, "steps": "[]"}
    for pair in (
        {"kept_provider": a, "dropped_provider": a},
        {"kept_provider": a},
        {"kept_provider": a, "dropped_office": office},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            Merge.objects.create(**pair, **common)
    with pytest.raises(IntegrityError), transaction.atomic():
        NotADouble.objects.create(first_provider=b, second_provider=a, said_by=scene.manager, said_at=NOW)


STATES = st.sampled_from([None, "undecided", "undecided", "to_write", "skipped"])
PROVIDERS = st.lists(
    st.fixed_dictionaries(
        {
            "phone": st.sampled_from(["", "555-0100", "555-0101"]),
            "has_npi": st.booleans(),
            "offices": st.lists(st.integers(0, 2), unique=True, max_size=3),
            "referrals": st.integers(0, 2),
            "state": STATES,
            "line": st.sampled_from(["", "Thank you", "Gern geschehen"]),
        }
    ),
    min_size=3,
    max_size=4,
)
CHOICES = st.lists(st.sampled_from(["phone", "npi", "tier", "family_name"]), unique=True)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=PROVIDERS, order=st.randoms(use_true_random=False), chosen=CHOICES)
def test_merging_and_undoing_changes_nothing_whatever_stood_there(scene, plans, order, chosen):
    with _taken_back():
        providers = _people(scene, plans)
        before, merges = everything(), []
        while len(providers) > 1:
            order.shuffle(providers)
            drop, keep = _fresh(providers.pop(), providers[0])
            merges.append(scene.merge(keep, drop, **{name: getattr(drop, name) for name in chosen}))
            assert not ThankYouReferral.objects.filter(thank_you=None).exists()
            assert what_points_at(drop).keys() <= {"touchpoints.thankyou"}
        for merge in reversed(merges):
            assert undo_merge(merge, by=scene.manager, now=NOW) == 0
        assert everything() == before


def _people(scene, plans):
    offices = [make.office() for _ in range(3)]
    people = []
    for plan in plans:
        provider = make.provider(phone=plan["phone"], npi=make.npi() if plan["has_npi"] else None)
        for place, number in enumerate(plan["offices"]):
            ProviderOffice.objects.create(provider=provider, office=offices[number], is_main=place == 0)
        refresh_search(providers=[provider.pk])
        referrals = [scene.referral(provider) for _ in range(plan["referrals"])]
        if plan["state"]:
            scene.row(provider, plan["state"], referrals, personal_line=plan["line"])
        people.append(provider)
    return people


class _taken_back:
    """Each example starts from the same rows."""

    def __enter__(self):
        self.savepoint = transaction.savepoint()

    def __exit__(self, *error):
        transaction.savepoint_rollback(self.savepoint)


def _fresh(*rows):
    return [type(row).objects.get(pk=row.pk) for row in rows]


def test_another_practices_provider_is_not_there(scene):
    other = make.practice("Elsewhere")
    stranger = Provider(pk=10**9, practice=other)
    with pytest.raises(CannotMerge):
        scene.merge(make.provider(), stranger)
    assert Office.objects.count() == 0
