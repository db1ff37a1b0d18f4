"""The public page: it opens once, for whom it was sent to; everything else looks the same and keeps nothing."""

from datetime import timedelta
from types import SimpleNamespace

import pytest
import time_machine
from django.core.cache import cache
from django.test import Client
from django.urls import reverse
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from practices.isolation import practice_scope
from practices.models import LinkToken, Practice
from practices.secret_links import new_link
from tests import make
from tests.counts import examples
from touchpoints.models import Feedback, FeedbackIssue, FeedbackRequest
from touchpoints.views.feedback_public import TRIES

pytestmark = pytest.mark.django_db
NOW = make.NOW
SCRIPT = "<script>alert(1)</script>"
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(NOW, tick=False) as clock:
        cache.clear()  # each test has its own minute of tries
        yield clock


@pytest.fixture
def asked():
    """A request of our practice, and its link; another practice stands beside it."""
    practice = make.practice("Harbor Cardiology")
    manager = make.member("manager", practice, name="Mara Voss")
    physicians = [make.member("physician", practice, name=f"Dr {name}") for name in ("Chen", "Roy")]
    theirs = make.practice("Stonegate Orthopedics")
    stranger = make.member("physician", theirs, name="Dr Stranger")
    with practice_scope(practice):
        provider = make.provider("Okafor", email="okafor@example.test")
        make.referral(manager, provider=provider, patient_family_name=PATIENT)
        request = FeedbackRequest.objects.create(provider=provider, asked_at=NOW, asked_by=manager)
        token = make.feedback_link(request, expires_at=NOW + FeedbackRequest.LIFETIME)
    return SimpleNamespace(
        practice=practice, manager=manager, physicians=physicians, stranger=stranger, provider=provider,
        request=request, token=token, url=reverse("feedback_public", args=[token]),
    )  # fmt: skip


def answers(practice: Practice) -> list[Feedback]:
    with practice_scope(practice):
        return list(Feedback.objects.all())


def text_of(response) -> str:
    return " ".join(response.content.decode().split())


def test_page_names_the_practice_and_the_referrer_and_nobody_else(client, asked):
    shown = text_of(client.get(asked.url))

    assert asked.practice.name in shown
    assert "Dr. Okafor" in shown
    for secret in (PATIENT, "Stonegate", "Dr Stranger", "Mara Voss", "okafor@example.test"):
        assert secret not in shown
    assert client.get(asked.url)["Cache-Control"].count("no-store") == 1


def test_one_number_is_enough_and_thanks_stand_at_the_end(client, asked):
    response = client.post(asked.url, {"overall": "9"}, follow=True)

    assert "Thank you" in text_of(response)
    (given,) = answers(asked.practice)
    assert (given.overall, given.scheduling, given.words, given.is_complaint) == (9, None, "", False)


def test_whole_answer_is_kept_and_a_low_one_opens_an_issue(client, asked):
    data = {
        "overall": "3",
        "scheduling": "1",
        "communication": "4",
        "care": "5",
        "words": "Nobody calls back",
    }
    client.post(asked.url, {**data, "is_complaint": "on", "physician": asked.physicians[1].pk})

    (given,) = answers(asked.practice)
    assert (given.scheduling, given.communication, given.care) == (1, 4, 5)
    assert (given.words, given.is_complaint, given.physician_id) == (
        "Nobody calls back", True, asked.physicians[1].pk,
    )  # fmt: skip
    with practice_scope(asked.practice):
        assert FeedbackIssue.objects.get().owner_id == asked.manager.pk


def test_without_a_number_the_page_asks_for_it_and_keeps_what_was_typed(client, asked):
    response = client.post(asked.url, {"words": "All fine"})

    assert response.status_code == 422
    assert "Choose a number from 0 to 10." in text_of(response)
    assert "All fine" in text_of(response)
    assert answers(asked.practice) == []
    assert client.post(asked.url, {"overall": "10"}).status_code == 302


@pytest.mark.parametrize("field", ["overall", "scheduling", "communication", "care", "physician"])
@pytest.mark.parametrize("value", [SCRIPT, "11", "-1", "²", "9" * 30])
def test_what_is_no_choice_is_refused_and_shown_as_text(client, asked, field, value):
    response = client.post(asked.url, {"overall": "9", field: value})

    assert response.status_code == 422
    assert SCRIPT not in response.content.decode()
    assert answers(asked.practice) == []


def test_another_practices_physician_is_no_choice(client, asked):
    assert client.post(asked.url, {"overall": "9", "physician": asked.stranger.pk}).status_code == 422
    assert answers(asked.practice) == []


@pytest.mark.parametrize("field", ["words", "is_complaint"])
def test_script_in_words_is_text_on_every_page_that_shows_it(client, asked, field):
    client.post(asked.url, {"overall": "1", field: SCRIPT})

    (given,) = answers(asked.practice)
    with practice_scope(asked.practice):
        issue = FeedbackIssue.objects.get()
    client.force_login(asked.manager.user)
    pages = [
        reverse("feedback"),
        reverse("feedback_answer", args=[given.pk]),
        reverse("feedback_issue", args=[issue.pk]),
        reverse("provider", args=[asked.provider.pk]),
    ]
    shown = "".join(client.get(page).content.decode() for page in pages)
    assert SCRIPT not in shown
    assert (SCRIPT.replace("<", "&lt;").replace(">", "&gt;") in shown) == (field == "words")


# What does not open.


def dead_links(asked, clock) -> dict[str, str]:
    """A token of each kind that opens nothing, at the time of the clock."""
    with practice_scope(asked.practice):
        used = make.feedback_link(asked.request, expires_at=NOW + timedelta(days=60))
        LinkToken.objects.filter(pk=LinkToken.objects.latest("pk").pk).update(used_at=NOW)
        other, row = new_link(
            LinkToken.Purpose.INVITATION, practice_id=asked.practice.pk, object_id=asked.request.pk,
            expires_at=NOW + timedelta(days=60),
        )  # fmt: skip
        row.save()
    clock.move_to(NOW + FeedbackRequest.LIFETIME)
    return {
        "expired": asked.token,
        "used": used,
        "forged": "A" * 43,
        "truncated": asked.token[:-1],
        "of another purpose": other,
        "in another case": asked.token.swapcase(),
        "a script": "%3Cscript%3E",
        "very long": "x" * 10_000,
    }


@pytest.mark.parametrize("method", ["get", "post"])
def test_expired_used_forged_and_truncated_are_one_calm_page(client, asked, now, method):
    seen = {}
    for kind, token in dead_links(asked, now).items():
        response = getattr(Client(), method)(f"/f/{token}/", {"overall": "9"})
        headers = {
            name: value
            for name, value in response.items()
            if name not in ("Content-Length", "Expires", "X-Request-ID")
        }
        content = response.content.replace(response["X-Request-ID"].encode(), b"")
        seen[kind] = (response.status_code, sorted(headers.items()), content, dict(response.cookies))

    assert len({repr(answer) for answer in seen.values()}) == 1, seen
    status, _headers, content, cookies = seen["forged"]
    assert (status, cookies) == (404, {})
    assert b"This link is no longer open" in content
    for secret in ("Harbor", "Stonegate", "Okafor", PATIENT):
        assert secret.encode() not in content
    assert answers(asked.practice) == []


def test_second_answer_finds_the_link_closed(client, asked):
    client.post(asked.url, {"overall": "9"})
    response = client.post(asked.url, {"overall": "0"})

    assert response.status_code == 404
    assert "your answer has arrived" in text_of(response)
    assert [given.overall for given in answers(asked.practice)] == [9]


@given(st.text(st.characters(codec="utf-8", exclude_characters="/\x00?#\r\n"), min_size=1, max_size=60))
@hypothesis_settings(
    max_examples=examples(20, full=500),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_no_made_up_token_opens_anything(asked, token):
    from urllib.parse import quote

    cache.clear()
    response = Client().get(f"/f/{quote(token, safe='')}/", follow=True)
    assert response.status_code == 404


# Whoever is signed in.


@pytest.mark.parametrize("who", ["manager", "stranger"])
def test_page_is_the_same_for_who_is_signed_in(client, asked, who):
    client.force_login(getattr(asked, who).user)

    shown = text_of(client.get(asked.url))
    assert "Sign out" not in shown
    assert "Stonegate" not in shown
    assert client.post(asked.url, {"overall": "8"}).status_code == 302
    assert [given.overall for given in answers(asked.practice)] == [8]
    assert client.get(reverse("home")).status_code == 200


# Too often, too much.


def test_thousand_tries_a_minute_are_held_back(client, asked, now):
    statuses = [client.get(f"/f/{number:043d}/").status_code for number in range(1000)]

    assert statuses == [404] * TRIES + [429] * (1000 - TRIES)
    refused = client.get(asked.url)
    assert (refused.status_code, refused["Retry-After"]) == (429, "60")
    assert asked.practice.name not in text_of(refused)
    assert client.get(asked.url, REMOTE_ADDR="203.0.113.9").status_code == 200
    now.shift(timedelta(minutes=1))
    assert client.get(asked.url).status_code == 200


def test_refusal_tells_nothing_of_whether_the_link_opens(client, asked):
    for number in range(TRIES):
        client.get(f"/f/{number:043d}/")
    opens, forged = client.get(asked.url), client.get("/f/" + "A" * 43 + "/")
    assert (opens.status_code, opens.content) == (forged.status_code, forged.content)
    assert opens.status_code == 429


def test_answer_of_a_megabyte_is_refused_in_words_and_nothing_is_kept(client, asked):
    opens = client.post(asked.url, {"overall": "9", "words": "x" * 1024 * 1024})
    forged = client.post("/f/" + "A" * 43 + "/", {"overall": "9", "words": "x" * 1024 * 1024})

    assert opens.status_code == forged.status_code == 413
    assert "At most 4,000 characters" in text_of(opens)
    assert opens.content == forged.content
    assert answers(asked.practice) == []
    assert client.post(asked.url, {"overall": "9"}).status_code == 302


def test_words_beyond_their_length_are_kept_on_the_page_and_refused(client, asked):
    response = client.post(asked.url, {"overall": "9", "words": "ä" * 4001})

    assert response.status_code == 422
    assert "ä" * 4001 in response.content.decode()
    assert answers(asked.practice) == []


def test_answer_without_its_cookie_is_refused_on_a_page_for_who_has_no_account(asked):
    answer = Client(enforce_csrf_checks=True).post(asked.url, {"overall": "9"})
    assert answer.status_code == 403
    assert "Please send it again" in text_of(answer)
    assert "Go to Today" not in text_of(answer) and b"Harbor" not in answer.content
    assert answers(asked.practice) == []
    assert "Go to Today" in text_of(Client(enforce_csrf_checks=True).post("/sign-in/", {}))
