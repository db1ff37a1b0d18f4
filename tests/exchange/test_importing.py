"""A file from upload to referrals, without the browser."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import connection
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.models import Office, Provider, ProviderOffice, Referral, ReferralStep
from exchange import checking, writing
from exchange.columns import FIELDS, keep_for_next_time
from exchange.files import purge, take_in
from exchange.models import Import, ImportFilePart, ImportName
from exchange.reading import Unreadable
from exchange.reviewing import NotDecided, decide
from exchange.tasks import tend_imports
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make
from tests.exchange.bring import HEADER, NOW, SAMPLES, State, brought, checked, line, written

Kind = ImportName.Kind


def accounted(source):
    return source.blank + source.rejected + source.left_out + source.already_there + source.added


def test_a_file_adds_its_rows_and_accounts_for_each(manager):
    text = HEADER + line(1) + line(2, patient="TESTPERSON, OTTO") + ",,,,,,,\r\n" + line(3, day="not a date")
    source = brought(text, manager)
    assert source.state == State.DONE
    assert (source.rows_read, source.blank, source.rejected, source.added) == (4, 1, 1, 2)
    with practice_scope(manager.practice):
        first = Referral.objects.get(source_number="1")
        assert (first.patient_family_name, first.patient_given_name) == ("TESTPERSON", "IDA")
        assert first.patient_born_on == date(1960, 3, 14)
        assert str(first.provider) == "Amara Okafor, MD"
        assert first.reason == "Palpitations"
        assert first.logged_by == manager
        assert [step.act for step in first.steps.all()] == ["received"]
        assert first.provider.offices.get().name == first.office.name == "Lakeside"


def test_a_row_is_what_logging_it_by_hand_makes(manager):
    brought(HEADER + line("", patient="TESTPERSON, IDA"), manager)
    with practice_scope(manager.practice):
        brought_in = Referral.objects.get()
        by_hand = make.referral(
            manager,
            provider=brought_in.provider,
            office=brought_in.office,
            received_on=brought_in.received_on,
            channel=brought_in.channel,
            patient_family_name="TESTPERSON",
            patient_given_name="IDA",
            patient_born_on=brought_in.patient_born_on,
            reason="Palpitations",
        )
        by_hand.refresh_from_db()
        differing = {"id", "submission_key"}
        fields = [field.attname for field in Referral._meta.concrete_fields if field.name not in differing]
        assert {name: getattr(brought_in, name) for name in fields} == {
            name: getattr(by_hand, name) for name in fields
        }


def test_rows_before_the_start_are_history(manager):
    brought(HEADER + line(1, day="12/31/2025") + line(2, day="11/16/2026"), manager)
    with practice_scope(manager.practice):
        history, current = Referral.objects.order_by("received_on")
        assert (history.next_action, history.next_action_due_at) == ("", None)
        assert current.next_action == "contact"


def test_the_same_file_again_adds_nothing(manager):
    text = HEADER + "".join(line("", patient=f"TESTPERSON{n}, IDA") for n in "ABC") + line(7)
    assert brought(text, manager).added == 4
    again = brought(text, manager, now=NOW + timedelta(days=1))
    assert (again.added, again.already_there) == (0, 4)


def test_next_weeks_overlapping_export_adds_only_what_is_new(manager):
    first = [line("", patient=f"TESTPERSON{n}, IDA") for n in "ABC"]
    brought(HEADER + "".join(first), manager)
    later = brought(HEADER + "".join(first[1:]) + line("", patient="TESTPERSOND, IDA"), manager)
    assert (later.added, later.already_there) == (1, 2)


def test_two_identical_rows_in_one_file_add_one(manager):
    source = brought(HEADER + line() + line() + line(9) + line(9), manager)
    assert (source.added, source.already_there) == (1, 3)


def test_two_numbers_are_two_referrals(manager):
    assert brought(HEADER + line(1) + line(2), manager).added == 2


def test_a_referral_logged_by_hand_is_not_added_again(manager):
    with practice_scope(manager.practice):
        office = make.office("Lakeside")
        provider = make.provider("Okafor", at=office)
        make.referral(
            manager,
            provider=provider,
            received_on=date(2026, 11, 16),
            patient_family_name="Testperson",
            patient_given_name="Ida",
        )
    source = brought(HEADER + line(1), manager)
    assert (source.added, source.already_there) == (0, 1)


def test_siblings_referred_on_one_day_are_two(manager):
    source = brought(HEADER + line(patient="TESTPERSON, IDA") + line(patient="TESTPERSON, OTTO"), manager)
    assert source.added == 2


def test_a_row_in_the_future_is_refused(manager):
    source = checked(HEADER + line(1, day="11/19/2026"), manager)
    with practice_scope(manager.practice):
        number, faults, _cells = source.rejected_rows.get().rows[0]
    assert (number, faults[0][0]) == (2, "received_on")


def test_old_history_is_taken_and_a_slip_of_the_year_is_not(manager):
    source = checked(HEADER + line(1, day="11/19/1997") + line(2, day="11/16/1926"), manager)
    with practice_scope(manager.practice):
        [(number, faults, _cells)] = source.rejected_rows.get().rows
    assert (number, faults) == (3, [["received_on", "This day is more than 30 years ago."]])


def test_a_formula_is_a_bad_row_and_a_protected_number_is_its_number(manager):
    text = HEADER + line(1, patient="=CONCAT(A1)") + line('"=""0042"""', patient="TESTPERSON, OTTO")
    source = brought(text, manager)
    with practice_scope(manager.practice):
        [(number, faults, _cells)] = source.rejected_rows.get().rows
        assert (number, faults) == (
            2, [["patient_name", "This is a spreadsheet's formula, not what it results in."]]
        )  # fmt: skip
        assert Referral.objects.get().source_number == "0042"


def test_every_fault_of_a_row_is_said_with_its_field(manager):
    source = checked(HEADER + line(1, day="2/30/2026", born="someday", patient=""), manager)
    with practice_scope(manager.practice):
        _line, faults, _cells = source.rejected_rows.get().rows[0]
    assert {field for field, _reason in faults} == {"received_on", "patient_born_on", "patient_name"}
    assert {field for field, _reason in faults} <= set(FIELDS)


def test_the_check_writes_no_referral_and_no_provider(manager):
    checked(HEADER + line(1), manager)
    with practice_scope(manager.practice):
        assert not Referral.objects.exists()
        assert not Provider.objects.exists()
        assert not Office.objects.exists()


def test_a_person_is_asked_for_once_per_spelling(manager):
    source = checked(HEADER + "".join(line(n) for n in range(20)), manager)
    with practice_scope(manager.practice):
        name = source.names.get(kind=Kind.PROVIDER)
    assert (name.rows, name.decision) == (20, "")


class TestMatching:
    def decided(self, source, manager):
        with practice_scope(manager.practice):
            name = source.names.select_related("provider").get(kind=Kind.PROVIDER)
            return name.found_by, name.provider and name.provider.family_name

    @pytest.fixture
    def okafor(self, manager):
        with practice_scope(manager.practice):
            return make.provider("Okafor", at=make.office("Lakeside"), npi="1234567893")

    def test_by_npi_whatever_the_spelling(self, manager, okafor):
        source = checked(HEADER + line(1, provider="OKAFORR, AMRA", npi="1234567893"), manager)
        assert self.decided(source, manager) == ("npi", "Okafor")

    def test_an_npi_under_quite_another_name_is_doubtful(self, manager, okafor):
        source = checked(HEADER + line(1, provider="LINDQVIST, KARIN", npi="1234567893"), manager)
        assert self.decided(source, manager) == ("likeness", None)

    def test_by_exact_name_at_the_same_office(self, manager, okafor):
        source = checked(HEADER + line(1, provider="Amara Okafor"), manager)
        assert self.decided(source, manager) == ("name", "Okafor")

    def test_the_same_name_at_another_office_is_doubtful(self, manager, okafor):
        source = checked(HEADER + line(1, office="Elsewhere"), manager)
        assert self.decided(source, manager) == ("likeness", None)

    def test_a_misspelling_is_doubtful_and_suggested(self, manager, okafor):
        source = checked(HEADER + line(1, provider="OKAFR, AMARA MD"), manager)
        assert self.decided(source, manager) == ("likeness", None)
        with practice_scope(manager.practice):
            assert source.names.get(kind=Kind.PROVIDER).suggestions[0][0] == okafor.pk

    def test_a_wrong_check_digit_falls_back_to_the_name(self, manager, okafor):
        source = checked(HEADER + line(1, npi="1234567890"), manager)
        assert self.decided(source, manager) == ("name", "Okafor")
        assert source.remarks == {"npi": 1}

    def test_what_was_decided_is_remembered(self, manager, okafor):
        source = checked(HEADER + line(1, provider="OKAFR, AMARA MD"), manager)
        written(source, manager)
        later = checked(HEADER + line(2, provider="OKAFR, AMARA MD"), manager)
        assert self.decided(later, manager) == ("remembered", "Okafor")

    def test_a_misspelt_newcomer_is_suggested_as_the_same_new_person(self, manager):
        text = HEADER + line(1) + line(2, patient="X, Y") + line(3, provider="OKAFR, AMARA MD")
        brought(text, manager)
        with practice_scope(manager.practice):
            assert Provider.objects.get().family_name == "Okafor"
            assert Referral.objects.values("provider").distinct().count() == 1

    def test_spellings_with_and_without_npi_make_one_newcomer(self, manager):
        brought(HEADER + line(1, npi="1234567893") + line(2, patient="X, Y"), manager)
        with practice_scope(manager.practice):
            assert Provider.objects.get().npi == "1234567893"

    def test_only_the_office_is_known(self, manager):
        brought(HEADER + line(1, provider=""), manager)
        with practice_scope(manager.practice):
            referral = Referral.objects.select_related("office").get()
        assert referral.provider is None
        assert referral.office.name == "Lakeside"

    def test_our_physician_is_found_or_left_open(self, manager):
        reyes = make.member(Role.PHYSICIAN, manager.practice, name="Tomas Reyes")
        header = HEADER.replace("Reason", "Referred To")
        brought(header + line(1, reason='"REYES, TOMAS MD"') + line(2, reason="Nobody Known"), manager)
        with practice_scope(manager.practice):
            found = dict(Referral.objects.values_list("source_number", "physician"))
        assert found == {"1": reyes.pk, "2": None}


def test_a_provider_left_out_leaves_out_their_rows(manager):
    source = checked(HEADER + line(1) + line(2, provider="REYES, TOMAS DO"), manager)
    with practice_scope(manager.practice):
        names = [name for name in source.names.filter(kind=Kind.PROVIDER) if name.said["family"] == "Reyes"]
        decide(names[0], "leave_out")
    source = written(source, manager)
    assert (source.added, source.left_out) == (1, 1)


def test_a_choice_of_another_practices_provider_is_refused(manager):
    stranger = make.member(Role.MANAGER, make.practice("Elsewhere"))
    with practice_scope(stranger.practice):
        theirs = make.provider("Okafor")
    source = checked(HEADER + line(1), manager)
    with practice_scope(manager.practice), pytest.raises(NotDecided):
        decide(source.names.get(kind=Kind.PROVIDER), f"existing:{theirs.pk}")


def test_a_second_delivery_of_the_job_changes_nothing(manager):
    source = brought(HEADER + line(1), manager)
    with practice_scope(manager.practice):
        checking.check(source.pk, now=NOW)
        writing.write(source.pk, now=NOW)
        assert Referral.objects.count() == 1
        assert ReferralStep.objects.count() == 1
        assert Import.objects.get().state == State.DONE


def test_two_reviews_of_one_file_add_its_people_and_rows_once(manager):
    text = HEADER + line("", npi="1234567893") + line("", provider="REYES, TOMAS DO")
    one, other = checked(text, manager), checked(text, manager)
    later = NOW + timedelta(minutes=5)
    assert written(one, manager, now=later).added == 2
    assert written(other, manager, now=later).added == 0
    with practice_scope(manager.practice):
        assert Provider.objects.count() == 2
        assert Office.objects.count() == 1
        assert ProviderOffice.objects.count() == 2


def test_corrected_columns_are_remembered(manager):
    text = "Datum,Zuweiser,Patient Name\r\n11/16/2026,Amara Okafor,Ida Testperson\r\n"
    with practice_scope(manager.practice):
        source = take_in(text.encode(), name="x.csv", by=manager, now=NOW)
        assert source.layout.columns == ["", "", "patient_name"]
        layout = source.layout
        layout.columns = ["received_on", "provider_name", "patient_name"]
        keep_for_next_time(layout)
        assert take_in(text.encode(), name="x.csv", by=manager, now=NOW).layout.columns == layout.columns


def test_files_go_after_a_day_and_rejected_rows_after_a_week(manager):
    source = checked(HEADER + line(1, day="never"), manager)
    with practice_scope(manager.practice):
        purge(NOW + timedelta(hours=23))
        assert source.parts.exists()
        purge(NOW + timedelta(hours=25))
        assert not ImportFilePart.objects.exists()
        assert Import.objects.get().state == State.EXPIRED
        assert source.rejected_rows.exists()
        purge(NOW + timedelta(days=8))
        assert not source.rejected_rows.exists()


def test_the_sample_is_understood_in_both_forms(manager):
    csv, xlsx = (SAMPLES / f"referrals-example.{kind}" for kind in ("csv", "xlsx"))
    now = datetime(2026, 11, 23, 15, tzinfo=UTC)
    first = brought(csv.read_bytes(), manager, now=now)
    assert (first.rows_read, first.blank, first.rejected, first.already_there) == (53, 3, 5, 1)
    again = brought(xlsx.read_bytes(), manager, now=now)
    assert (again.added, again.already_there, again.rejected) == (0, 45, 5)
    with practice_scope(manager.practice):
        assert Provider.objects.count() == 8


def test_rows_of_another_practice_are_neither_seen_nor_matched(manager):
    stranger = make.member(Role.MANAGER, make.practice("Elsewhere"))
    brought(HEADER + line(1), stranger)
    source = brought(HEADER + line(1), manager)
    assert source.added == 1
    with practice_scope(manager.practice):
        assert Import.objects.count() == 1
        assert Referral.objects.count() == 1


def test_no_clear_name_rests_in_the_tables(manager):
    source = checked(HEADER + line(1) + line(2, day="never", patient="VERBOTEN, EVA"), manager)
    written(source, manager)
    with practice_scope(manager.practice), connection.cursor() as cursor:
        for table in ("import", "importfilepart", "importname", "rejectedrows", "rememberedcolumn"):
            cursor.execute(f"SELECT string_agg(t::text, ' ') FROM exchange_{table} t")
            held = cursor.fetchone()[0] or ""
            assert "TESTPERSON" not in held.upper()
            assert "VERBOTEN" not in held
            assert b"VERBOTEN".hex() not in held


CELLS = st.text(alphabet=st.characters(codec="utf-8"), max_size=12)
ROWS = st.lists(st.lists(CELLS, max_size=10), max_size=8)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, content=st.binary(max_size=300))
def test_any_bytes_are_read_or_refused_and_every_row_accounted_for(manager, rows, content):
    out = io.StringIO(newline="")
    csv.writer(out).writerows(rows)
    good = HEADER + line(1) + out.getvalue() + line(2, patient="X, Y")
    for text in (content, HEADER.encode() + content, good.encode("utf-8", "replace")):
        try:
            source = checked(text, manager)
        except Unreadable:
            continue
        if source.state == State.REVIEW:
            source = written(source, manager)
            assert accounted(source) == source.rows_read
            assert written_again(text, manager).added == 0


def written_again(text, manager):
    return written(checked(text, manager), manager)


def test_a_newcomer_gets_the_credentials_that_only_one_spelling_has(manager):
    text = HEADER + line(1, provider="OKAFOR, AMARA", npi="1234567893") + line(2, patient="X, Y")
    brought(text, manager)
    with practice_scope(manager.practice):
        assert Provider.objects.get().credentials == "MD"


def test_the_tick_hands_over_what_nobody_took_up(manager, django_capture_on_commit_callbacks):
    source = checked(HEADER + line(1), manager)
    with practice_scope(manager.practice):
        source.enter(State.WRITING, now=NOW)
        for minutes, queued in [(1, 0), (3, 1)]:
            with django_capture_on_commit_callbacks() as callbacks:
                tend_imports(now=NOW + timedelta(minutes=minutes))
            assert len(callbacks) == queued
