"""A file from upload to referrals, without the browser: columns, check, review, write, undo."""

from datetime import timedelta

import pytest
from exchange import checking, writing
from exchange.files import take_in
from exchange.models import Import
from exchange.reviewing import accept_suggestions, decide, may_be_written
from exchange.undoing import undo

from contacts.models import Provider, Referral
from practices.isolation import practice_scope
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db
NOW = make.NOW

FILE = """\
Referral #,Referral Date,Referring Provider,NPI,Referring Practice,Patient Name,DOB,Reason
1,11/16/2026,"OKAFOR, AMARA MD",,Lakeside,"TESTPERSON, IDA",3/14/1960,Palpitations
2,11/17/2026,"OKAFOR, AMARA MD",,Lakeside,"TESTPERSON, OTTO",3/14/1960,Murmur
,,,,,,,
3,not a date,"OKAFOR, AMARA MD",,Lakeside,"TESTPERSON, EVA",3/14/1960,Murmur
"""


@pytest.fixture
def manager():
    return make.member(Role.MANAGER, make.practice())


def brought(text, manager, *, now=NOW, accept=True):
    """The import after check, review and write."""
    content = text if isinstance(text, bytes) else text.encode()
    with practice_scope(manager.practice):
        source = take_in(content, name="export.csv", by=manager, now=now)
        source.enter(Import.State.CHECKING, now=now)
        checking.check(source.pk, now=now)
        source.refresh_from_db()
        if accept and source.state == Import.State.REVIEW:
            accept_suggestions(source)
            assert may_be_written(source)
            source.enter(Import.State.WRITING, now=now)
            writing.write(source.pk, now=now)
            source.refresh_from_db()
        return source


def test_a_file_adds_its_rows_and_accounts_for_each(manager):
    source = brought(FILE, manager)
    assert source.state == Import.State.DONE
    assert (source.rows_read, source.blank, source.rejected, source.added) == (4, 1, 1, 2)
    with practice_scope(manager.practice):
        first = Referral.objects.get(source_number="1")
        assert (first.patient_family_name, first.patient_given_name) == ("TESTPERSON", "IDA")
        assert str(first.provider) == "Amara Okafor, MD"
        assert first.reason == "Palpitations"
        assert first.next_action == "contact"
        assert [step.act for step in first.steps.all()] == ["received"]
        assert first.provider.offices.get().name == "Lakeside"
