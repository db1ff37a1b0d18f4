"""Brings a file as the pages and the worker do, in one go."""

from datetime import datetime
from pathlib import Path

from django.conf import settings

from exchange import checking, undoing, writing
from exchange.files import take_in
from exchange.models import Import
from exchange.reviewing import accept_suggestions, may_be_written
from practices.isolation import practice_scope
from practices.models import Member
from tests import make

NOW = make.NOW
State = Import.State
SAMPLES = Path(settings.BASE_DIR) / "docs" / "samples"

HEADER = "Referral #,Referral Date,Referring Provider,NPI,Referring Practice,Patient Name,DOB,Reason\r\n"


def line(number="", day="11/16/2026", provider="OKAFOR, AMARA MD", patient="TESTPERSON, IDA", born="3/14/1960", npi="", office="Lakeside", reason="Palpitations"):  # fmt: skip
    return f'{number},{day},"{provider}",{npi},{office},"{patient}",{born},{reason}\r\n'


def checked(text: str | bytes, by: Member, *, now: datetime = NOW) -> Import:
    """Taken in, columns as guessed, and checked."""
    content = text if isinstance(text, bytes) else text.encode()
    with practice_scope(by.practice):
        source = take_in(content, name="export.csv", by=by, now=now)
        source.enter(State.CHECKING, now=now)
        checking.check(source.pk, now=now)
        source.refresh_from_db()
    return source


def written(source: Import, by: Member, *, now: datetime = NOW) -> Import:
    """Every name as suggested, and written."""
    with practice_scope(by.practice):
        accept_suggestions(source)
        assert may_be_written(source)
        source.enter(State.WRITING, now=now)
        writing.write(source.pk, now=now)
        source.refresh_from_db()
    return source


def brought(text: str | bytes, by: Member, *, now: datetime = NOW) -> Import:
    return written(checked(text, by, now=now), by, now=now)


def undone(source: Import, by: Member, *, now: datetime = NOW) -> Import:
    with practice_scope(by.practice):
        source.enter(State.UNDOING, now=now, undone_by=by)
        undoing.undo(source.pk, now=now)
        source.refresh_from_db()
    return source
