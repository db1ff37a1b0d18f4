"""The way of a return referral: each step once, in its order, with its touchpoint."""

from datetime import date, timedelta

import pytest
from django.db import IntegrityError, transaction

from contacts.merging import merge_providers
from tests import make
from touchpoints import return_referral_way as way
from touchpoints.models import ReturnReferral, Touchpoint
from touchpoints.touchpoint_log import NotPossible, correct, withdraw

TODAY = date(2026, 11, 18)
DAY = timedelta(days=1)


@pytest.fixture
def okafor(harbor):
    office = make.office("Lakeside", zip_code="60302")
    return make.provider("Okafor", at=office, specialty=make.specialty())


@pytest.fixture
def row(harbor, okafor):
    return make.return_referral(harbor.coordinator, physician=harbor.physician, provider=okafor)


def again(row):
    return ReturnReferral.objects.get(pk=row.pk)


def touchpoints():
    return list(Touchpoint.objects.standing().values_list("kind", "provider", "happened_on"))


def take(row, by, *acts):
    now = make.NOW
    for act in acts:
        if act == "send":
            row = way.send(row, by=by, now=now)
        elif act == "seen":
            row = way.record_seen(row, on=TODAY, by=by, now=now)
        elif act == "report":
            row = way.record_report(row, on=TODAY, by=by, now=now)
        elif act == "cancel":
            row = way.cancel(row, by=by, now=now, reason="Moved away")
        else:
            row = way.take_back(row, known=row.state, by=by, now=now)
    return row


class TestSuggest:
    def test_the_second_press_finds_the_first(self, harbor):
        need = {"patient_family_name": "Testperson", "physician": harbor.physician}
        first = make.return_referral(harbor.coordinator, **need)
        assert make.return_referral(harbor.coordinator, **need, now=make.NOW + DAY / 2) == first

    @pytest.mark.parametrize(
        "other", [{"patient_given_name": "Una"}, {"zip_code": "60302"}, {"urgency": "stat"}]
    )
    def test_another_need_is_another_row(self, harbor, other):
        need = {"patient_family_name": "Testperson"}
        first = make.return_referral(harbor.coordinator, **need)
        assert make.return_referral(harbor.coordinator, **need, **other) != first

    def test_a_colleague_s_and_a_later_one_are_other_rows(self, harbor):
        need = {"patient_family_name": "Testperson", "physician": harbor.physician}
        first = make.return_referral(harbor.coordinator, **need)
        assert make.return_referral(harbor.physician, **need) != first
        assert make.return_referral(harbor.coordinator, **need, now=make.NOW + 2 * DAY) != first

    def test_the_need_can_be_corrected_until_the_patient_is_sent(self, harbor, row):
        way.change_need(row, now=make.NOW, patient_phone="555-0142", patient_family_name="Other")
        assert (again(row).patient_phone, again(row).patient_family_name) == ("555-0142", "Other")
        take(row, harbor.physician, "send")
        with pytest.raises(NotPossible, match="sent meanwhile"):
            way.change_need(row, now=make.NOW, zip_code="60301")

    @pytest.mark.parametrize("changes", [{"zip_code": "60304"}, {"payer": "Cigna"}, {"urgency": "stat"}, {}])
    def test_another_need_asks_the_patient_again(self, harbor, row, changes):
        way.change_need(row, now=make.NOW, **(changes or {"specialty": make.specialty("Dentistry")}))
        changed = again(row)
        assert (changed.provider, changed.office, changed.is_patients_choice, changed.offered) == (
            None, None, False, [],
        )  # fmt: skip
        assert changed.clinical_reason == "Palpitations at rest"
        with pytest.raises(NotPossible, match="Say first whom the patient chose"):
            take(row, harbor.physician, "send")

    def test_the_patient_s_name_and_the_same_need_again_keep_the_choice(self, row, okafor):
        same = {"specialty": row.specialty, "zip_code": "", "urgency": "routine"}
        way.change_need(row, now=make.NOW, patient_family_name="Other", **same)
        assert (again(row).provider, again(row).is_patients_choice) == (okafor, True)


class TestChoose:
    def choose(self, row, provider, **changes):
        said = {
            "provider": provider,
            "office": None,
            "clinical_reason": "Palpitations",
            "is_patients_choice": True,
            "offered": [provider.pk],
            "known": row.provider_id,
        }
        return way.choose(row, **{**said, **changes})

    def test_needs_that_the_patient_chose(self, harbor, okafor):
        row = make.return_referral(harbor.coordinator)
        with pytest.raises(NotPossible, match="patient chooses"):
            self.choose(row, okafor, is_patients_choice=False)
        assert again(row).provider is None

    def test_keeps_whom_the_patient_was_offered(self, harbor, okafor):
        row = make.return_referral(harbor.coordinator)
        others = [make.provider().pk for _ in range(3)]
        self.choose(row, okafor, offered=[*others, okafor.pk])
        assert (again(row).provider, again(row).offered) == (okafor, [*others, okafor.pk])

    def test_does_not_overrule_a_colleague_who_was_quicker(self, row, okafor):
        with pytest.raises(NotPossible, match="Okafor, MD was chosen meanwhile"):
            self.choose(row, make.provider(), known=None)
        other = make.provider()
        self.choose(row, other, known=okafor.pk)
        assert again(row).provider == other

    def test_does_not_follow_a_need_that_was_changed_meanwhile(self, row, okafor):
        way.change_need(row, now=make.NOW, payer="Cigna")
        with pytest.raises(NotPossible, match="need was changed meanwhile"):
            self.choose(row, okafor, known=okafor.pk)

    def test_is_over_once_the_patient_is_sent(self, harbor, row):
        take(row, harbor.physician, "send")
        with pytest.raises(NotPossible, match="sent meanwhile"):
            self.choose(row, make.provider())


class TestSend:
    def test_on_an_earlier_day_so_that_seen_may_lie_before_today(self, harbor, okafor):
        asked_at = make.NOW - 3 * DAY
        row = make.return_referral(
            harbor.coordinator, physician=harbor.physician, provider=okafor, now=asked_at
        )
        for on, says in ((TODAY - 4 * DAY, "before anybody asked"), (TODAY + DAY, "in the future")):
            with pytest.raises(NotPossible, match=says):
                way.send(row, on=on, by=harbor.physician, now=make.NOW)
        sent = way.send(row, on=TODAY - 3 * DAY, by=harbor.physician, now=make.NOW)
        assert harbor.today(sent.sent_at) == TODAY - 3 * DAY and sent.sent_at >= asked_at
        assert touchpoints() == [("return_referral", okafor.pk, TODAY - 3 * DAY)]
        with pytest.raises(NotPossible, match="before the patient was sent"):
            way.record_seen(row, on=TODAY - 4 * DAY, by=harbor.physician, now=make.NOW)
        assert way.record_seen(row, on=TODAY - 2 * DAY, by=harbor.physician, now=make.NOW).state == "seen"

    def test_reaches_out_to_the_provider_once(self, harbor, row, okafor):
        take(row, harbor.physician, "send", "send")
        assert touchpoints() == [("return_referral", okafor.pk, TODAY)]
        assert (again(row).state, again(row).sent_by) == ("sent", harbor.physician)

    def test_says_nothing_about_the_patient_on_the_provider_s_story(self, harbor, row):
        touchpoint = take(row, harbor.physician, "send").touchpoint
        assert (touchpoint.note, touchpoint.next_step, touchpoint.is_thanks) == ("", "", False)

    def test_two_patients_in_one_minute_are_two_touchpoints(self, harbor, okafor):
        for _ in range(2):
            take(make.return_referral(harbor.coordinator, provider=okafor), harbor.coordinator, "send")
        assert len(touchpoints()) == 2

    def test_needs_somebody_chosen(self, harbor):
        with pytest.raises(NotPossible, match="whom the patient chose"):
            take(make.return_referral(harbor.coordinator), harbor.coordinator, "send")

    @pytest.mark.parametrize("state", ["retired", "deceased", "do_not_contact"])
    def test_does_not_send_to_whom_nobody_may_be_sent(self, harbor, row, okafor, state):
        okafor.state = state
        okafor.save()
        with pytest.raises(NotPossible, match="Choose again"):
            take(row, harbor.coordinator, "send")
        assert touchpoints() == []

    def test_its_touchpoint_is_changed_nowhere_else(self, harbor, row):
        touchpoint = take(row, harbor.physician, "send").touchpoint
        said = {"by": harbor.physician, "now": make.NOW, "reason": "wrong"}
        with pytest.raises(NotPossible, match="taken back or cancelled there"):
            withdraw(touchpoint, **said)
        with pytest.raises(NotPossible, match="taken back or cancelled there"):
            correct(touchpoint, **said, note="Ida Testperson")
        assert len(touchpoints()) == 1


class TestOnward:
    def test_seen_and_report_come_with_their_days(self, harbor, row):
        take(row, harbor.physician, "send", "seen", "seen", "report", "report")
        row = again(row)
        assert (row.state, row.seen_on, row.report_received_on) == ("report_received", TODAY, TODAY)

    def test_a_report_may_come_before_anybody_said_seen(self, harbor, row):
        take(row, harbor.physician, "send", "report")
        assert (again(row).state, again(row).seen_on) == ("report_received", None)

    @pytest.mark.parametrize(
        ("act", "on", "says"),
        [
            (way.record_seen, TODAY + DAY, "future"),
            (way.record_seen, TODAY - DAY, "before the patient was sent"),
            (way.record_report, TODAY + DAY, "future"),
        ],
    )
    def test_days_are_plausible(self, harbor, row, act, on, says):
        take(row, harbor.physician, "send")
        with pytest.raises(NotPossible, match=says):
            act(row, on=on, by=harbor.physician, now=make.NOW)
        assert again(row).state == "sent"

    def test_a_report_is_not_older_than_the_visit(self, harbor, row):
        take(row, harbor.physician, "send")
        later = make.NOW + 3 * DAY
        way.record_seen(row, on=TODAY + 2 * DAY, by=harbor.physician, now=later)
        with pytest.raises(NotPossible, match="older than the visit"):
            way.record_report(row, on=TODAY + DAY, by=harbor.physician, now=later)

    @pytest.mark.parametrize("act", ["seen", "report"])
    def test_nobody_is_seen_who_was_not_sent(self, harbor, row, act):
        with pytest.raises(NotPossible, match="not sent yet"):
            take(row, harbor.physician, act)


class TestCancel:
    def test_takes_the_touchpoint_out_of_the_story_and_keeps_the_reason_out_of_it(self, harbor, row):
        take(row, harbor.physician, "send", "cancel", "cancel")
        (touchpoint,) = Touchpoint.objects.all()
        assert touchpoints() == []
        assert "Moved away" not in touchpoint.withdrawn_reason
        assert (again(row).state, again(row).cancelled_reason) == ("cancelled", "Moved away")
        assert again(row).cancelled_by == harbor.physician

    @pytest.mark.parametrize("act", ["send", "seen", "report"])
    def test_nothing_follows(self, harbor, row, act):
        take(row, harbor.physician, "cancel")
        with pytest.raises(NotPossible, match="cancelled meanwhile"):
            take(row, harbor.physician, act)

    def test_is_too_late_once_the_patient_was_seen(self, harbor, row):
        take(row, harbor.physician, "send", "seen")
        with pytest.raises(NotPossible, match="nothing to cancel"):
            take(row, harbor.physician, "cancel")


class TestTakeBack:
    @pytest.mark.parametrize(
        ("acts", "state"),
        [
            (["send"], "suggested"),
            (["send", "seen"], "sent"),
            (["send", "seen", "report"], "seen"),
            (["send", "report"], "sent"),
            (["cancel"], "suggested"),
            (["send", "cancel"], "suggested"),
        ],
    )
    def test_is_as_if_the_step_had_not_been(self, harbor, row, acts, state):
        take(row, harbor.physician, *acts, "take back")
        assert again(row).state == state
        assert len(touchpoints()) == (0 if state == "suggested" else 1)

    def test_a_second_click_takes_back_no_second_step(self, harbor, row):
        row = take(row, harbor.physician, "send", "seen")
        for _ in range(2):
            way.take_back(row, known="seen", by=harbor.physician, now=make.NOW)
        assert again(row).state == "sent"

    def test_who_is_sent_again_reaches_out_again(self, harbor, row):
        take(row, harbor.physician, "send", "take back", "send")
        assert len(touchpoints()) == 1
        assert Touchpoint.objects.count() == 2


def test_the_database_knows_no_sent_patient_without_a_provider(harbor):
    row = make.return_referral(harbor.coordinator)
    with pytest.raises(IntegrityError, match="return_referral_sent_to_somebody"), transaction.atomic():
        ReturnReferral.objects.filter(pk=row.pk).update(state="sent")


def test_merging_two_providers_moves_their_return_referrals(harbor, row, okafor):
    keep = make.provider()
    merge_providers(keep=keep, drop=okafor, by=make.member("manager", harbor), now=make.NOW)
    assert again(row).provider == keep
