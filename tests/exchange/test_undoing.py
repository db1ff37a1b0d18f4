"""Taking an import back."""

from datetime import date, timedelta

import pytest

from contacts.models import Office, Provider, Referral, ReferralStep
from contacts.referral_way import edit, move
from exchange.models import ImportName
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from tests.exchange.bring import HEADER, NOW, State, brought, line, undone
from touchpoints.models import ThankYou, ThankYouReferral, Touchpoint
from touchpoints.thank_you_lists import make_thank_you_lists

MONDAY = NOW + timedelta(days=5)


@pytest.fixture
def reyes(manager):
    return make.member(Role.PHYSICIAN, manager.practice, name="Tomas Reyes")


@pytest.fixture
def source(manager, reyes):
    """Two referrals of one new provider to our Dr. Reyes."""
    header = HEADER.replace("Reason", "Referred To")
    rows = line(1, reason="Tomas Reyes") + line(2, patient="TESTPERSON, OTTO", reason="Tomas Reyes")
    return brought(header + rows, manager)


def test_an_undo_leaves_nothing_of_an_untouched_import(source, manager):
    after = undone(source, manager)
    assert (after.state, after.stayed) == (State.UNDONE, {"removed": 2})
    with practice_scope(manager.practice):
        for model in (Referral, ReferralStep, Provider, Office):
            assert not model.objects.exists()


def test_what_was_there_before_stays(manager, reyes):
    with practice_scope(manager.practice):
        make.referral(manager, provider=make.provider("Okafor", at=make.office("Lakeside")))
    undone(brought(HEADER + line(1), manager), manager)
    with practice_scope(manager.practice):
        assert Referral.objects.count() == Provider.objects.count() == Office.objects.count() == 1


def test_a_referral_that_moved_on_stays_with_its_provider(source, manager):
    with practice_scope(manager.practice):
        move(Referral.objects.get(source_number="1"), to="contacted", by=manager, now=NOW)
    assert undone(source, manager).stayed == {"moved_on": 1, "removed": 1}
    with practice_scope(manager.practice):
        assert Referral.objects.get().provider == Provider.objects.get()


def test_a_corrected_referral_stays(source, manager):
    with practice_scope(manager.practice):
        edit(Referral.objects.get(source_number="1"), by=manager, now=NOW, payer="Medicare")
    assert undone(source, manager).stayed == {"moved_on": 1, "removed": 1}


def test_a_referral_with_a_touchpoint_stays(source, manager):
    with practice_scope(manager.practice):
        referral = Referral.objects.get(source_number="1")
        Touchpoint.objects.create(
            kind="call",
            happened_on=date(2026, 11, 18),
            provider_id=referral.provider_id,
            referral=referral,
            member=manager,
            logged_at=NOW,
            logged_by=manager,
        )
    assert undone(source, manager).stayed == {"worked_on": 1, "removed": 1}


def test_undecided_thank_yous_go_and_decided_ones_keep_their_referrals(source, manager, reyes):
    with practice_scope(manager.practice):
        make_thank_you_lists(week=Week.of(date(2026, 11, 16)), now=MONDAY)
        assert ThankYouReferral.objects.count() == 2
    after = undone(source, manager, now=MONDAY)
    with practice_scope(manager.practice):
        assert after.stayed == {"removed": 2}
        assert not ThankYou.objects.exists()


def test_a_decided_thank_you_keeps_its_referrals(source, manager, reyes):
    with practice_scope(manager.practice):
        make_thank_you_lists(week=Week.of(date(2026, 11, 16)), now=MONDAY)
        ThankYou.objects.update(state=ThankYou.State.TO_WRITE, decided_at=MONDAY, decided_by=reyes)
    after = undone(source, manager, now=MONDAY)
    assert after.stayed == {"thanked": 2}
    with practice_scope(manager.practice):
        assert Referral.objects.standing().count() == 2


def test_a_provider_somebody_wrote_notes_about_stays(source, manager):
    with practice_scope(manager.practice):
        Provider.objects.update(personal_notes="Likes tea.")
    undone(source, manager)
    with practice_scope(manager.practice):
        assert Provider.objects.count() == 1
        assert not Referral.objects.exists()


def test_undone_decisions_are_not_remembered(source, manager):
    undone(source, manager)
    with practice_scope(manager.practice):
        assert not ImportName.objects.remembered().exists()


def test_what_was_undone_can_be_brought_again(source, manager):
    undone(source, manager)
    assert brought(HEADER + line(1) + line(2, patient="TESTPERSON, OTTO"), manager).added == 2


def test_an_undo_ends_after_thirty_days(source):
    assert source.may_be_undone(NOW + timedelta(days=29))
    assert not source.may_be_undone(NOW + timedelta(days=30))
