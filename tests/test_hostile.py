"""What no honest browser sends: an answer each time, and never an error of ours."""

from datetime import date

import pytest
from django.test import Client

from practices.isolation import practice_scope
from tests import make
from tests.test_access import World

pytestmark = pytest.mark.django_db

ANSWERS = {200, 302, 400, 404, 422}
HOSTILE = [
    "²",
    "٣",
    "\x00",
    "-1",
    "9" * 30,
    "0001-01-01",
    "9999-12-31",
    "~",
    "<script>",
    "=1+1",
    "\u202e",
    "x" * 10_000,
]
KEYS = [
    *HOSTILE,
    "9999-99-99~x",
    "0001-01-01~1",
    "9999-12-31T23:59:59.999999-23:59~1",
    "0001-01-01T00:00:00+23:59~1",
    f"2026-11-17~{'9' * 30}",
    f"2026-11-17~1~{'9' * 30}",
]
LISTS = [
    "/referrals/",
    "/referrals/?awaiting=provider",
    "/referrals/?status=overdue",
    "/providers/",
    "/offices/",
    "/imports/",
    "/settings/patient-access/",
    "/settings/outbox/",
    "/thank-you/",
    "/thank-you/cards/",
    "/reminders/",
    "/meetings/",
    "/gifts/",
    "/feedback/",
    "/return-referrals/",
    "/insights/touchpoints/",
]


@pytest.fixture
def world(client):
    made = World()
    client.force_login(made.manager.user)
    return made


@pytest.mark.parametrize("address", LISTS)
def test_a_list_answers_any_key(client, world, address):
    answers = {key: client.get(address, {"after": key, "below": key}).status_code for key in KEYS}
    assert {key: status for key, status in answers.items() if status not in ANSWERS} == {}


@pytest.mark.parametrize(
    ("address", "names"),
    [
        (
            "/referrals/",
            ["provider", "office", "physician", "received_from", "received_until", "channel", "status"],
        ),
        (
            "/referrals/",
            ["location", "territory"],
        ),
        ("/referrals/new/", ["provider", "office"]),
        ("/providers/options/", ["q", "office"]),
        ("/offices/options/", ["q"]),
        ("/providers/", ["q", "tier", "specialty", "standing", "liaison"]),
        ("/search/", ["q"]),
        ("/thank-you/", ["physician"]),
        ("/thank-you/cards/", ["physician", "rows"]),
        ("/reminders/", ["member", "part", "provider", "office", "chosen"]),
        ("/reminders/many/", ["act", "row", "next"]),
        ("/duplicates/", ["kind", "below"]),
        ("/touchpoints/new/", ["kind", "provider", "office", "referral", "reminder"]),
        ("/return-referrals/", ["state", "physician", "provider", "sent_from", "names"]),
        ("/return-referrals/new/", ["provider", "office", "referral", "reminder"]),
        ("/feedback/", ["office", "physician", "provider", "month"]),
        ("/feedback/new/", ["provider", "office", "referral", "reminder"]),
        (
            "/settings/patient-access/",
            ["member", "act", "referral", "return_referral", "since", "until"],
        ),
        ("/meetings/new/", ["provider", "office", "referral", "reminder", "held"]),
        ("/meetings/people/", ["q"]),
        ("/meetings/", ["whose"]),
        ("/gifts/", ["year", "provider"]),
        ("/report-back/", ["step", "physician", "location", "month", "provider", "names"]),
        ("/report-back/figures/", ["physician", "location", "month", "provider"]),
        ("/report-back/figures.csv", ["physician", "location", "month", "provider"]),
        ("/report-back/tell/", ["referral", "next"]),
        ("/gifts/new/", ["meeting", "provider"]),
        ("/settings/gift-limits/", ["year"]),
        ("/insights/", ["period", "physician", "location"]),
        ("/insights/referrers/", ["physician", "location"]),
        ("/insights/outreach/", ["physician"]),
        ("/insights/touchpoints/", ["member", "kind", "happened_from", "happened_until"]),
        ("/insights/months.csv", ["period", "physician", "location"]),
    ],
)
def test_a_page_answers_any_question(client, world, address, names):
    asked = [{name: value} for name in names for value in HOSTILE]
    answers = {str(one): client.get(address, one).status_code for one in asked}
    assert {one: status for one, status in answers.items() if status not in ANSWERS} == {}


@pytest.mark.parametrize("charset", ["utf-7", "utf-16", "latin-1", "base64"])
@pytest.mark.parametrize("address", ["/sign-in/", "/f/x/", "/mail/stop/x/", "/referrals/new/", "/nope/"])
def test_a_form_of_another_charset_is_refused(world, address, charset):
    client = Client(enforce_csrf_checks=True)
    client.get("/sign-in/")
    kind = f"application/x-www-form-urlencoded; charset={charset}"
    answers = [client.generic(method, address, b"a=b", content_type=kind) for method in ("POST", "GET")]
    assert [answer.status_code for answer in answers] == [400, 400]


@pytest.mark.parametrize("week", ["0001-W01", "9999-W52", "2026-W99", "2026-W00"])
def test_a_week_far_off_is_no_page(client, world, week):
    assert client.get(f"/thank-you/{week}/").status_code == 404


@pytest.mark.parametrize("value", HOSTILE)
def test_a_form_answers_any_value(client, world, value):
    with practice_scope(world.practice):
        referral = make.referral(by=world.manager, received_on=date(2026, 11, 10))
        sent = make.return_referral(world.manager, provider=make.provider())
    names = [
        "provider_text",
        "provider",
        "office",
        "patient_born_on",
        "received_on",
        "physician",
        "submission_key",
    ]
    forms = [("/referrals/new/", {name: value, "patient_family_name": "Testperson"}) for name in names]
    step = f"/referrals/{referral.pk}/step/"
    forms += [
        (step, {"to": "scheduled", "appointment_at": f"{value}T09:00"}),
        (step, {"to": "seen", "seen_on": value}),
        (step, {"to": value}),
        ("/patients/find/", {"patient_family_name": value, "patient_born_on": value}),
        ("/feedback/new/", {"overall": value, "given_on": value, "provider": value, "physician": value}),
        ("/return-referrals/new/", {"patient_family_name": value, "zip_code": value, "specialty": value}),
        (
            f"/return-referrals/{sent.pk}/choice/",
            {"clinical_reason": value, "known": value, "provider": value},
        ),
        (f"/return-referrals/{sent.pk}/accepting/", {"yes": value}),
        (f"/return-referrals/{sent.pk}/step/", {"act": "seen", "on": value, "known": value}),
        ("/offices/new/", {"name": value, "zip_code": value}),
        ("/settings/reminders/in_touch/", {"A": value, "B": value, "C": 120, "owner": value, "seen": value}),
        ("/settings/", {"starts_on": value, "list_hour": value}),
        ("/settings/my-mail/", {"wants_digest": value, "digest_hour": value}),
    ]
    meeting = {"purpose": "x", "kind": "visit", "day": "2026-11-10", "at": "09:00", "minutes": "30"}
    meeting |= {"owner": world.manager.pk, "people": f"provider-{referral.provider_id}"}
    asked = (*meeting, "uid", "office", "office_text", "person", "person_text", "next_step_on")
    forms += [("/meetings/new/?held=1", {**meeting, name: value}) for name in asked]
    gift = {"nature": "item", "description": "x", "amount": "1.00", "given_on": "2026-11-10"}
    gift |= {"is_cash": "no", "is_solicited": "no", "people": f"provider-{referral.provider_id}"}
    forms += [("/gifts/new/", {**gift, name: value}) for name in (*gift, "seen", "over_limit_reason")]
    forms += [("/settings/gift-limits/", {"year": value, "amount": value, "source": value})]
    answers = {(url, str(data)): client.post(url, data).status_code for url, data in forms}
    assert {one: status for one, status in answers.items() if status not in ANSWERS} == {}
