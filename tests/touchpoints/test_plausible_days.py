"""Days that cannot be: a card mailed before it was decided on, a step promised for the past, a call years ago."""

from datetime import date, timedelta

import pytest
from django.core.exceptions import ValidationError

from practices.forms import not_past, of_late
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.feedback_forms import TakeDownForm
from touchpoints.forms import MailedForm
from touchpoints.models import ThankYou
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_forms import CorrectForm, LogCallForm
from touchpoints.touchpoint_log import log_call

TODAY = date(2026, 11, 18)
LONG_AGO, YESTERDAY, TOMORROW = date(2020, 1, 1), TODAY - timedelta(days=1), TODAY + timedelta(days=1)


@pytest.fixture
def row(harbor):
    provider = make.provider("Okafor")
    sent = {"provider": provider, "physician": harbor.physician, "received_on": date(2026, 11, 10)}
    make.referral(harbor.coordinator, **sent)
    make_thank_you_lists(week=Week.parse("2026-W46"), now=make.NOW)
    return acts.write_card(ThankYou.objects.get(), by=harbor.physician, now=make.NOW)


@pytest.mark.parametrize("on", [LONG_AGO, YESTERDAY, TOMORROW])
def test_a_card_is_mailed_neither_before_it_was_decided_on_nor_in_the_future(harbor, row, on):
    earliest = acts.earliest_mailing(row, harbor)
    form = MailedForm({"on": on.isoformat()}, earliest=earliest, today=TODAY)
    assert "on" in form.errors
    with pytest.raises(acts.NotPossible):
        acts.mark_mailed(row, by=harbor.physician, now=make.NOW, on=on)
    assert MailedForm({"on": TODAY.isoformat()}, earliest=earliest, today=TODAY).is_valid()


def test_nor_before_it_was_written_nor_before_its_week(harbor, row):
    later = make.NOW + timedelta(days=2)
    written = acts.mark_written(row, by=harbor.physician, now=later)
    assert acts.earliest_mailing(written, harbor) == TODAY + timedelta(days=2)
    written.decided_at = written.written_at = None
    assert acts.earliest_mailing(written, harbor) == date(2026, 11, 9)


def call_form(**said):
    filled = {"call_outcome": "reached", "happened_on": TODAY.isoformat(), "next_step": "Send the guide"}
    return LogCallForm(
        {**filled, **{name: day.isoformat() for name, day in said.items()}},
        today=TODAY, knows_whom=True, referral=None, sees_patient=True,
    )  # fmt: skip


def test_a_next_step_is_to_come(harbor):
    assert call_form(next_step_on=TODAY).is_valid()
    assert "next_step_on" in call_form(next_step_on=YESTERDAY).errors


def test_a_call_and_feedback_are_taken_down_within_a_year(harbor):
    assert call_form(next_step_on=TODAY, happened_on=date(2025, 11, 18)).is_valid()
    for day in (date(2025, 11, 17), LONG_AGO, TOMORROW):
        assert "happened_on" in call_form(next_step_on=TODAY, happened_on=day).errors
        heard = TakeDownForm(
            {"given_on": day.isoformat(), "source": "call", "words": "Well"},
            today=TODAY, knows_whom=True, physicians=[],
        )  # fmt: skip
        assert "given_on" in heard.errors


def test_a_correction_keeps_days_that_have_passed_since(harbor):
    call = log_call(
        outcome="reached", by=harbor.physician, now=make.NOW, provider=make.provider(), next_step="Send the guide",
        next_step_on=TODAY,
    )  # fmt: skip
    said = {
        "call_outcome": "reached", "happened_on": "2026-11-18", "next_step": "Send both guides",
        "next_step_on": "2026-11-18", "reason": "Both",
    }  # fmt: skip
    much_later = date(2028, 6, 1)
    assert CorrectForm(said, touchpoint=call, has_fixed_day=False, today=much_later).is_valid()
    changed = {**said, "next_step_on": "2026-11-20"}
    form = CorrectForm(changed, touchpoint=call, has_fixed_day=False, today=much_later)
    assert list(form.errors) == ["next_step_on"]


def test_the_bounds_themselves():
    assert not_past(None, today=TODAY) is None
    assert not_past(TODAY, today=TODAY) == TODAY
    assert of_late(TODAY, today=TODAY) == TODAY
    with pytest.raises(ValidationError):
        not_past(YESTERDAY, today=TODAY)
    with pytest.raises(ValidationError):
        of_late(TOMORROW, today=TODAY)
