"""Finding a provider or office as one types."""

import pytest
from django.conf import settings
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django_scopes.exceptions import ScopeError

from contacts.duplicates import provider_doubles
from contacts.models import Office, Provider
from contacts.search import folded, nearest, refresh_search
from practices.isolation import practice_scope
from tests import make
from tests.conftest import reconnect_as

pytestmark = pytest.mark.django_db


@pytest.fixture
def network():
    with practice_scope(make.practice()):
        lakeside = make.office("Lakeside Family Medicine", city="Oak Park", street="12 Elm St")
        harbor = make.office("Harbor Internal Medicine", city="Salem")
        yield {
            "okafor": make.provider("Okafor", given_name="Ngozi", at=lakeside, npi="1234567893"),
            "nguyen": make.provider("Nguyễn", given_name="Thị Mai", at=lakeside),
            "obrien": make.provider("O’Brien", given_name="Sean", at=harbor, credentials="NP"),
            "mueller": make.provider("Müller", given_name="Jürgen", at=harbor),
            "johnson": make.provider("Johnson", given_name="Katherine"),
            "johnston": make.provider("Johnston", given_name="Mark"),
        }


@pytest.mark.parametrize(
    ("typed", "who"),
    [
        ("Okafor", "okafor"),
        ("oka", "okafor"),
        ("OKAFOUR", "okafor"),
        ("okfor", "okafor"),
        ("ngozi oka", "okafor"),
        ("1234567893", "okafor"),
        ("12345", "okafor"),
        ("nguyen", "nguyen"),
        ("Nguyễn", "nguyen"),
        ("thi mai", "nguyen"),
        ("obrien", "obrien"),
        ("O'Brien", "obrien"),
        ("muller", "mueller"),
        ("jurgen", "mueller"),
        ("Katherine Jonson", "johnson"),
        ("catherine johnson", "johnson"),
    ],
)
def test_the_one_meant_comes_first(network, typed, who):
    assert nearest(Provider.objects.active(), typed)[0] == network[who]


def test_an_office_finds_who_works_there(network):
    found = nearest(Provider.objects.active(), "lakeside")
    assert set(found[:2]) == {network["okafor"], network["nguyen"]}


def test_what_resembles_nothing_finds_nothing(network):
    assert nearest(Provider.objects.active(), "zzyzx") == []
    assert nearest(Provider.objects.active(), "   ") == []


def test_an_office_is_found_by_its_street_and_city(network):
    assert nearest(Office.objects.current(), "12 elm")[0].name == "Lakeside Family Medicine"
    assert nearest(Office.objects.current(), "salem")[0].name == "Harbor Internal Medicine"


def test_an_offices_new_name_is_found_at_once_with_who_works_there(network):
    office = Office.objects.get(name="Harbor Internal Medicine")
    office.name = "Quayside Clinic"
    office.save()
    refresh_search(offices=[office.pk])
    assert network["mueller"] in nearest(Provider.objects.active(), "quayside")
    assert network["mueller"] not in nearest(Provider.objects.active(), "harbor internal")


def test_those_who_left_or_were_merged_are_not_offered(network):
    Provider.objects.filter(pk=network["okafor"].pk).update(state=Provider.State.RETIRED)
    Provider.objects.filter(pk=network["johnson"].pk).update(merged_into=network["johnston"])
    assert network["okafor"] not in nearest(Provider.objects.active(), "Okafor")
    assert nearest(Provider.objects.active(), "Johnson")[0] == network["johnston"]


def test_another_practices_providers_are_not_found():
    ours, theirs = make.practice(), make.practice()
    with practice_scope(theirs):
        make.provider("Okafor")
    with practice_scope(ours):
        assert nearest(Provider.objects.active(), "Okafor") == []
    with pytest.raises(ScopeError):
        nearest(Provider.objects.filter(state="active"), "Okafor")


def test_folding_strips_marks_case_and_spaces():
    assert folded("  José   ÑANDÚ-Łuk\n") == "jose nandu-łuk"
    assert folded("Straße") == "strasse"


@pytest.fixture
def ten_thousand(transactional_db):
    """10,000 providers of one practice beside another's 3,000, with statistics as autovacuum keeps them."""
    practices = [make.practice(), make.practice()]
    for practice, size in zip(practices, (10_000, 3_000), strict=True):
        with practice_scope(practice):
            Provider.objects.bulk_create([_numbered(n) for n in range(size)], batch_size=5000)
    reconnect_as(settings.OWNER_DATABASE_ROLE)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_provider")
    reconnect_as(settings.APP_DATABASE_ROLE)
    return practices[0]


def _numbered(n):
    return Provider(
        family_name=f"Family{n}", search=f"given{n * 7919 % 10_007} family{n} office{n % 60} salem"
    )


@pytest.mark.parametrize("text", ["famili42", "family4", "given77 fam", "salem"])
def test_the_type_ahead_reads_its_index_under_row_security(ten_thousand, text):
    with practice_scope(ten_thousand), connection.cursor() as cursor:
        cursor.execute(
            "SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE relname = 'contacts_provider'"
        )
        assert cursor.fetchone() == (True,)
        with CaptureQueriesContext(connection) as captured:
            nearest(Provider.objects.active(), text)
        (query,) = captured.captured_queries
        cursor.execute("EXPLAIN " + query["sql"])
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using provider_search" in plan
    assert "Index Cond: (practice_id = " in plan  # led by the practice: others' rows are not even met
    assert "Order By: (search <->> " in plan
    assert "Sort" not in plan


def test_likely_doubles_read_it_too(ten_thousand):
    with practice_scope(ten_thousand), connection.cursor() as cursor:
        with CaptureQueriesContext(connection) as captured:
            provider_doubles()
        (query,) = [q["sql"] for q in captured.captured_queries if "LATERAL" in q["sql"]]
        cursor.execute("EXPLAIN " + query)
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan using provider_search" in plan
    assert "Index Cond: (practice_id = " in plan
