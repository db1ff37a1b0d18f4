import re

import pytest

from practices.request_ids import current_request, current_request_id

pytestmark = pytest.mark.django_db
OURS = re.compile(r"[0-9a-f]{32}")


def test_every_answer_says_its_number_and_no_two_say_the_same(client):
    numbers = [client.get(address)["X-Request-ID"] for address in ("/sign-in/", "/", "/no/such/page/")]
    assert all(OURS.fullmatch(number) for number in numbers)
    assert len(set(numbers)) == 3


def test_a_visitors_own_number_is_not_believed(client):
    assert client.get("/sign-in/", headers={"x-request-id": "a" * 32})["X-Request-ID"] != "a" * 32


def test_a_proxys_number_is_taken_over_where_one_is_trusted(client, settings):
    settings.REQUEST_ID_HEADER = "X-Request-ID"
    assert (
        client.get("/sign-in/", headers={"x-request-id": "Proxy_1-12345"})["X-Request-ID"] == "Proxy_1-12345"
    )


@pytest.mark.parametrize(
    "said", ["", "short", "x" * 65, "two words", "new\nline12", "Ünïcödé-1234", "<script>1"]
)
def test_what_is_no_number_is_not_taken_over(client, settings, said):
    settings.REQUEST_ID_HEADER = "X-Request-ID"
    assert OURS.fullmatch(client.get("/sign-in/", headers={"x-request-id": said})["X-Request-ID"])


def test_outside_a_request_there_is_none(client):
    client.get("/sign-in/")
    assert (current_request(), current_request_id()) == (None, "")
