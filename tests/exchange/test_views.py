"""The pages of `/imports/`, asked by a client outside any scope."""

import csv
import io

import pytest
from django.conf import settings
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Referral
from exchange import checking, undoing, writing
from exchange.models import Import, ImportName, RememberedColumn
from practices.isolation import practice_scope
from practices.models import PatientAccess
from practices.roles import Role
from tests import make
from tests.exchange.bring import HEADER, NOW, State, brought, checked, line, undone

TEXT = HEADER + line(1) + line(2, patient="TESTPERSON, OTTO") + line(3, day="never", patient="=1+1, EVA")
RULES = {State.CHECKING: checking.check, State.WRITING: writing.write, State.UNDOING: undoing.undo}


@pytest.fixture
def browse(client, manager):
    client.force_login(manager.user)
    return client


def upload(client, text=TEXT, name="export.csv"):
    content = text if isinstance(text, bytes) else text.encode()
    return client.post(reverse("imports"), {"file": SimpleUploadedFile(name, content)})


def worked(source, manager):
    """What the worker does with an import that waits."""
    with practice_scope(manager.practice):
        source.refresh_from_db()
        RULES[State(source.state)](source.pk, now=NOW)
        source.refresh_from_db()


def only_import(manager):
    with practice_scope(manager.practice):
        return Import.objects.get()


def columns_of(source, **changes):
    layout = source.layout
    posted = {f"column-{place}": field for place, field in enumerate(layout.columns)}
    return {**posted, "order-received_on": "mdy", "order-patient_born_on": "mdy", "channel": "fax", **changes}


def post(client, name, source, data=None):
    return client.post(reverse(name, args=[source.pk]), data or {})


def shown(client, source, query=""):
    response = client.get(reverse("import", args=[source.pk]) + query)
    assert response.status_code == 200
    return response.content.decode()


def test_a_file_goes_from_upload_to_referrals_and_back(browse, manager, django_capture_on_commit_callbacks):
    upload(browse)
    source = only_import(manager)
    page = shown(browse, source)
    assert "IDA TESTPERSON" in page
    assert "This is not a date we can read." in page

    with django_capture_on_commit_callbacks() as queued:
        post(browse, "import_columns", source, columns_of(source, go="check"))
    assert len(queued) == 1
    worked(source, manager)
    page = shown(browse, source)
    assert "2 can be brought in" in page
    assert "Amara Okafor, MD" in page

    post(browse, "import_names", source, {"go": "accept"})
    with django_capture_on_commit_callbacks() as queued:
        post(browse, "import_write", source)
    assert len(queued) == 1
    assert "Bringing the referrals in" in shown(browse, source)
    worked(source, manager)
    assert "2 referrals were added." in shown(browse, source)

    with django_capture_on_commit_callbacks() as queued:
        with practice_scope(manager.practice):
            Import.objects.update(finished_at=source.uploaded_at)  # may be undone by the real clock
        post(browse, "import_undo", source)
    assert len(queued) == 1
    worked(source, manager)
    assert "2 referrals were removed" in shown(browse, source)
    with practice_scope(manager.practice):
        assert not Referral.objects.exists()


def test_an_undone_import_no_longer_says_that_it_added(browse, manager):
    source = undone(brought(HEADER + line(1) + line(2, patient="TESTPERSON, OTTO"), manager), manager)
    assert "Added before the undo" in shown(browse, source)
    listed = browse.get(reverse("imports")).content.decode()
    assert "2 of 2 added were removed again" in listed


def test_imports_of_one_minute_are_told_apart(browse, manager):
    for second in (4, 5):
        checked(HEADER + line(second), manager, now=NOW.replace(second=second))
    listed = browse.get(reverse("imports")).content.decode()
    assert "CSV, Nov 18, 2026, 10:00:04 AM" in listed
    assert "CSV, Nov 18, 2026, 10:00:05 AM" in listed


def test_columns_nobody_understands_are_not_offered_as_right(browse, manager):
    upload(browse, "A,B\r\nx,y\r\nz,w\r\n")
    page = shown(browse, only_import(manager))
    assert "This is right" not in page
    assert "Check every row all the same" in page


def test_nothing_is_written_while_a_name_is_undecided(browse, manager):
    source = checked(TEXT, manager)
    post(browse, "import_write", source)
    assert only_import(manager).state == State.REVIEW


def test_names_are_decided_one_by_one(browse, manager):
    source = checked(TEXT, manager)
    with practice_scope(manager.practice):
        name = source.names.get(kind=ImportName.Kind.PROVIDER)
    post(browse, "import_names", source, {f"name-{name.pk}": "leave_out", "go": "save"})
    with practice_scope(manager.practice):
        name.refresh_from_db()
        assert name.decision == "leave_out"
        assert source.names.undecided().count() == 1


def test_somebody_whom_no_suggestion_names_can_be_found_and_chosen(browse, manager):
    with practice_scope(manager.practice):
        maiden = make.provider("Castellano", given_name="Amara", at=make.office("Elsewhere"))
    source = checked(TEXT, manager)
    with practice_scope(manager.practice):
        name = source.names.get(kind=ImportName.Kind.PROVIDER)
    url = reverse("import_name", args=[source.pk, name.pk])
    assert "Castellano" in browse.get(url, {"q": "castelano"}).content.decode()
    browse.post(url, {"choice": maiden.pk})
    with practice_scope(manager.practice):
        name.refresh_from_db()
        assert (name.decision, name.provider_id) == ("existing", maiden.pk)


def test_a_choice_that_means_nobody_is_refused_with_a_sentence(browse, manager):
    source = checked(TEXT, manager)
    with practice_scope(manager.practice):
        name = source.names.get(kind=ImportName.Kind.PROVIDER)
    for choice in ("existing:999999", "existing:x", "same:999999", f"same:{name.pk}", "open", "nonsense"):
        response = browse.post(
            reverse("import_names", args=[source.pk]), {f"name-{name.pk}": choice}, follow=True
        )
        assert "Choose" in response.content.decode()
    with practice_scope(manager.practice):
        name.refresh_from_db()
        assert name.decision == ""


def test_columns_that_do_not_suffice_are_said_beside_the_form(browse, manager):
    upload(browse)
    source = only_import(manager)
    nothing = {name: "" for name in columns_of(source) if name.startswith("column-")}
    response = post(browse, "import_columns", source, {**columns_of(source, go="check"), **nothing})
    assert response.status_code == 422
    assert "Choose the column that says when each referral was received." in response.content.decode()
    assert only_import(manager).state == State.COLUMNS


def test_dates_that_read_both_ways_are_asked_about(browse, manager):
    upload(browse, HEADER + line(1, day="11/10/2026"))
    source = only_import(manager)
    assert source.layout.asks_order == ["received_on"]
    response = post(
        browse, "import_columns", source, columns_of(source, **{"order-received_on": ""}, go="check")
    )
    assert "say which is meant" in response.content.decode()
    post(browse, "import_columns", source, columns_of(source, **{"order-received_on": "dmy"}, go="check"))
    source = only_import(manager)
    assert (source.state, source.layout.date_orders["received_on"]) == (State.CHECKING, "dmy")


def test_confirmed_columns_are_remembered(browse, manager):
    upload(browse)
    post(browse, "import_columns", only_import(manager), columns_of(only_import(manager), go="check"))
    with practice_scope(manager.practice):
        assert RememberedColumn.objects.filter(field="provider_npi").count() == 1


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"\r\n\r\n,,\r\n", "This file is empty."),
        (b"%PDF-1.7 ...", "This is a PDF."),
        (b"PK\x03\x04 nothing", "damaged"),
    ],
)
def test_a_file_that_is_none_is_refused_in_a_sentence(browse, manager, content, said):
    response = upload(browse, content)
    assert response.status_code == 422
    assert said in response.content.decode()
    with practice_scope(manager.practice):
        assert not Import.objects.exists()


def test_a_file_above_the_limit_is_refused_in_a_sentence(browse, settings):
    settings.FILE_UPLOAD_MAX_MEMORY_SIZE = 2 * 1024 * 1024
    response = upload(browse, b"a,b\r\n" * 700_000)
    assert response.status_code == 422
    assert "larger than 2 MB" in response.content.decode()


def test_an_upload_never_touches_the_disk():
    assert settings.FILE_UPLOAD_HANDLERS == ["django.core.files.uploadhandler.MemoryFileUploadHandler"]


def test_rejected_rows_download_safe_for_a_spreadsheet_and_logged(browse, manager):
    source = checked(TEXT, manager)
    response = browse.get(reverse("import_rejected", args=[source.pk]))
    text = b"".join(response.streaming_content).decode("utf-8-sig")
    header, row = csv.reader(io.StringIO(text))
    assert header[:3] == ["Import: line", "Import: field", "Import: what is wrong"]
    assert row[:2] == ["4", "Received on; Patient"]
    assert "'=1+1, EVA" in row
    with practice_scope(manager.practice):
        assert PatientAccess.objects.filter(act="exported", page=f"import {source.pk}").count() == 1


def test_the_mended_download_can_be_brought(browse, manager):
    source = brought(TEXT, manager)
    content = b"".join(browse.get(reverse("import_rejected", args=[source.pk])).streaming_content)
    again = brought(content.replace(b"never", b"11/16/2026").replace(b"'=1+1", b"TESTPERSON"), manager)
    assert (again.added, again.rejected) == (1, 0)


def test_each_look_at_the_rows_is_logged(browse, manager):
    upload(browse)
    source = only_import(manager)
    shown(browse, source)
    with practice_scope(manager.practice):
        assert PatientAccess.objects.get().page == f"import {source.pk}"


def test_a_waiting_import_polls_and_stops_once_done(browse, manager):
    source = checked(TEXT, manager)
    with practice_scope(manager.practice):
        source.enter(State.CHECKING, now=NOW)
    assert 'hx-trigger="every 2s"' in shown(browse, source)
    worked(source, manager)
    fragment = browse.get(
        reverse("import", args=[source.pk]), headers={"HX-Request": "true"}
    ).content.decode()
    assert "hx-trigger" not in fragment
    assert "<html" not in fragment


def test_a_file_can_be_discarded_until_it_is_written(browse, manager):
    source = checked(TEXT, manager)
    post(browse, "import_discard", source)
    with practice_scope(manager.practice):
        assert not Import.objects.exists()
    source = brought(TEXT, manager)
    post(browse, "import_discard", source)
    assert only_import(manager).state == State.DONE


def test_a_failed_job_says_so_and_offers_the_columns(browse, manager):
    source = checked("a,b\r\n", manager)
    with practice_scope(manager.practice):
        source.enter(State.FAILED, now=NOW, failure="Something.")
    assert "Something." in shown(browse, source)
    assert "What each column holds" in shown(browse, source, "?columns")


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.PHYSICIAN, Role.LIAISON])
def test_only_a_manager_may(client, manager, role):
    source = checked(TEXT, manager)
    client.force_login(make.member(role, manager.practice).user)
    for name in ("import_columns", "import_names", "import_write", "import_undo", "import_discard"):
        assert post(client, name, source).status_code == 403
    for url in (
        reverse("imports"),
        reverse("import", args=[source.pk]),
        reverse("import_rejected", args=[source.pk]),
    ):
        assert client.get(url).status_code == 403


def test_another_practices_import_does_not_exist(client, manager):
    source = checked(TEXT, manager)
    client.force_login(make.member(Role.MANAGER, make.practice("Elsewhere")).user)
    for name in ("import_columns", "import_names", "import_write", "import_undo", "import_discard"):
        assert post(client, name, source).status_code == 404
    for name in ("import", "import_rejected"):
        assert client.get(reverse(name, args=[source.pk])).status_code == 404


def queries(client, url):
    with CaptureQueriesContext(
        connection,
    ) as captured:
        assert client.get(url).status_code == 200
    return len(captured)


def test_the_list_asks_as_often_for_twice_the_files(browse, manager):
    for _turn in range(3):
        checked(TEXT, manager)
    before = queries(browse, reverse("imports"))
    for _turn in range(3):
        checked(TEXT, manager)
    assert queries(browse, reverse("imports")) == before <= 12


def test_the_review_asks_as_often_for_twice_the_names(browse, manager):
    def page_of(count):
        rows = [
            line(n, provider=f"SENDER{'ABCDEFGHIJ'[n]}{n}, AMARA MD", office=f"Practice{n}")
            for n in range(count)
        ]
        return reverse("import", args=[checked(HEADER + "".join(rows), manager).pk])

    assert queries(browse, page_of(4)) == queries(browse, page_of(8))
