"""The line of one's own on a card: it names no patient, and nobody who may know of none is shown one that does."""

from datetime import date
from types import SimpleNamespace

import pytest
import time_machine
from django.urls import reverse

from contacts.models import Referral
from practices.isolation import practice_scope
from practices.roles import Role
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou
from touchpoints.own_line import names_on
from touchpoints.thank_you_lists import make_thank_you_lists

QUEUE = "/thank-you/cards/"
SURE, MAYBE, NOBODY = "sure", "maybe", ""


def verdict(line, *patients):
    """What is found on a line from Dr. Grace Chen to Dr. Ida Okafor about these patients."""
    provider = SimpleNamespace(given_name="Ida", family_name="Okafor")
    physician = SimpleNamespace(name="Grace Chen")
    row = SimpleNamespace(provider=provider, list=SimpleNamespace(physician=physician))
    rows = [Referral(patient_given_name=given, patient_family_name=family) for given, family in patients]
    found = names_on(line, row=row, patients=rows)
    return SURE if found.sure else MAYBE if found.maybe else NOBODY


@pytest.mark.parametrize(
    ("line", "given", "family", "found"),
    [
        ("Isolde Quillfeather is well", "Isolde", "Quillfeather", SURE),
        ("quillfeather, isolde", "Isolde", "Quillfeather", SURE),
        ("Mrs. QUILLFEATHER’s heart", "Isolde", "Quillfeather", SURE),
        ("Ms Young did so well", "Ann", "Young", SURE),
        ("José García is well", "Jose", "Garcia", SURE),
        ("Quillfeather is well", "Isolde", "Quillfeather", MAYBE),
        ("quillfeather is well", "Isolde", "Quillfeather", MAYBE),
        ("Isolde is doing well", "Isolde", "Quillfeather", MAYBE),
        ("We were glad to see Young again", "Ann", "Young", MAYBE),
        ("We were glad to see A. Young again", "Ann", "Young", MAYBE),
        ("Thank you for sending Grace", "Grace", "Adams", NOBODY),  # the physician's own name
        ("Dear Ida, see you soon", "Ida", "Adams", NOBODY),  # the provider's
        ("Dear Dr. Okafor", "Ann", "Okafor", NOBODY),
        ("Best wishes", "Ann", "Best", NOBODY),
        ("With Best Wishes and Many Thanks", "Many", "Best", NOBODY),
        ("All the Best, Grace", "Ann", "Best", NOBODY),
        ("Best, Grace", "Ann", "Best", NOBODY),
        ("It has been a long time", "Ann", "Long", NOBODY),
        ("Thank you. Long may it last", "May", "Long", NOBODY),
        ("Such a young patient!", "Ann", "Young", NOBODY),
        ("Will park at yours; the hope is mine", "Will", "Park", NOBODY),
        ("An apple a day", "An", "Le", NOBODY),
        ("Harbor greets you", "", "", NOBODY),
    ],
)
def test_names_are_told_from_words(line, given, family, found):
    assert verdict(line, ("Zora", "Zimmer"), (given, family)) == found


@pytest.fixture
def desk(db):
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    with time_machine.travel(make.NOW, tick=False):
        with practice_scope(practice):
            provider = make.provider("Okafor", at=make.office("Lakeside", street="1 Pier Road"))
            make.referral(
                desk.coordinator,
                provider=provider,
                physician=desk.physician,
                received_on=date(2026, 11, 10),
                patient_family_name="Quillfeather",
                patient_given_name="Isolde",
            )
            make_thank_you_lists(week=Week.parse("2026-W46"), now=make.NOW)
            desk.row = ThankYou.objects.get()
        yield desk


def write(client, desk, line, **said):
    client.force_login(desk.physician.user)
    address = reverse("thank_you_card", args=[desk.row.pk])
    return client.post(address, {"personal_line": line, "seen": "undecided", **said})


def saved(desk):
    with practice_scope(desk.practice):
        return ThankYou.objects.get(pk=desk.row.pk)


def text(response):
    return " ".join(response.content.decode().split())


def test_a_line_that_names_a_patient_is_refused_beside_its_field_and_stays_typed(client, desk):
    answer = write(client, desk, "Mrs. Quillfeather sends her thanks", means_others="on")

    assert answer.status_code == 422
    assert "This line names a patient: Quillfeather. Take the name out." in text(answer)
    assert "Mrs. Quillfeather sends her thanks</textarea>" in text(answer)
    assert 'id="error_1_id_personal_line"' in text(answer)
    assert "means_others" not in text(answer)
    assert (saved(desk).state, saved(desk).personal_line) == ("undecided", "")


def test_a_doubtful_one_is_asked_about_and_goes_on_the_card_once_ticked(client, desk):
    asked = write(client, desk, "Greetings to Isolde")
    assert asked.status_code == 422
    assert "This line may name a patient: Isolde." in text(asked)
    assert 'name="means_others"' in text(asked)

    write(client, desk, "Greetings to Isolde", means_others="on")

    assert (saved(desk).state, saved(desk).personal_line) == ("to_write", "Greetings to Isolde")
    client.force_login(desk.liaison.user)
    assert "Greetings to Isolde" in text(client.get(QUEUE))
    assert client.get(f"{QUEUE}writing-sheet.pdf").status_code == 200


def test_what_was_ticked_holds_for_that_line_alone(client, desk):
    write(client, desk, "Greetings to Isolde", means_others="on")
    with practice_scope(desk.practice):
        acts.add_line(desk.row, text="Isolde is doing well")
    client.force_login(desk.physician.user)
    sheet = client.get(f"{QUEUE}writing-sheet.pdf")
    assert sheet.status_code == 422
    assert "may name a patient" in text(sheet)


@pytest.mark.parametrize("line", ["Isolde Quillfeather is well", "Isolde is doing well", "Quillfeather too"])
@pytest.mark.parametrize("assigned", [True, False])
def test_a_liaison_is_never_shown_a_line_that_names_a_patient(client, desk, line, assigned):
    with practice_scope(desk.practice):
        acts.write_card(desk.row, by=desk.physician, now=make.NOW, personal_line=line)
        acts.hand_over(desk.row, to=desk.liaison if assigned else None)
    client.force_login(desk.liaison.user)
    for address in (QUEUE, "/thank-you/", reverse("thank_you_row", args=[desk.row.pk])):
        shown = text(client.get(address))
        assert "Isolde" not in shown, address
        assert "Quillfeather" not in shown, address
        assert "Its own line may name a patient, so it is not shown. Ask Physician One to mend it." in shown
    client.force_login(desk.physician.user)
    assert line in text(client.get(QUEUE))
