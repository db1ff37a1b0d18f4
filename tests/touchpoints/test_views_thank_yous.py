"""The thank-you pages: who sees which list and which patients, and what each act does and says."""

import re
from datetime import date, timedelta
from html import unescape
from types import SimpleNamespace

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.referral_way import move
from practices.isolation import practice_scope
from practices.models import PatientAccess, UndoableAct
from practices.pages import PAGE_ROWS
from practices.roles import Role
from practices.undo import undo_url
from practices.weeks import Week
from tests import make
from touchpoints import thank_you_acts as acts
from touchpoints.models import ThankYou, ThankYouList, Touchpoint
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.thank_you_pages import OTHERS

pytestmark = pytest.mark.django_db
WEEK = Week.parse("2026-W46")
IN_WEEK = date(2026, 11, 10)
HTMX = {"HX-Request": "true"}
PATIENT = "Quillfeather"


@pytest.fixture(autouse=True)
def now():
    with time_machine.travel(make.NOW, tick=False):
        yield


@pytest.fixture
def desk():
    """A practice with one member of each role, a colleague, and a row of two patients on the physician's list."""
    practice = make.practice()
    people = {role.value: make.member(role, practice, name=f"{role.label} One") for role in Role}
    desk = SimpleNamespace(practice=practice, **people)
    desk.colleague = make.member(Role.PHYSICIAN, practice, name="Colleague Two")
    with practice_scope(practice):
        desk.office = make.office("Lakeside", street="1 Pier Road", phone="555-0100")
        desk.provider = make.provider("Okafor", at=desk.office)
        desk.referrals = [sent(desk), sent(desk)]
        make_thank_you_lists(week=WEEK, now=make.NOW)
        desk.row = ThankYou.objects.get()
    return desk


def sent(desk, **fields):
    defaults = {
        "provider": desk.provider,
        "physician": desk.physician,
        "received_on": IN_WEEK,
        "patient_family_name": PATIENT,
    }
    return make.referral(desk.coordinator, **{**defaults, **fields})


def page(client, member, address="/thank-you/", **headers):
    client.force_login(member.user)
    return client.get(address, headers=headers or None)


def act(client, member, name, desk, *, htmx=False, **data):
    client.force_login(member.user)
    return client.post(reverse(f"thank_you_{name}", args=[desk.row.pk]), data, headers=HTMX if htmx else None)


def row_of(desk):
    with practice_scope(desk.practice):
        return ThankYou.objects.select_related("card", "call", "assignee").get(pk=desk.row.pk)


def text(response):
    return " ".join(response.content.decode().split())


def hand_over(desk, member):
    with practice_scope(desk.practice):
        acts.write_card(desk.row, by=desk.physician, now=make.NOW, personal_line="Warm regards")
        acts.hand_over(desk.row, to=member)


# Who sees what.


def test_physician_sees_their_own_list_with_names_and_that_is_on_the_record(client, desk):
    response = page(client, desk.physician)

    assert "0 of 1 decided" in text(response)
    assert f"Ida {PATIENT}" in text(response)
    assert "First referral ever from Dr. Okafor: a card and a call." in text(response)
    with practice_scope(desk.practice):
        seen = PatientAccess.objects.get()
    assert (seen.member_id, seen.act) == (desk.physician.pk, "viewed")
    assert set(seen.referral_ids) == {referral.pk for referral in desk.referrals}


def test_colleague_sees_no_row_of_another_physicians_list(client, desk):
    response = page(client, desk.colleague, f"/thank-you/?physician={desk.physician.pk}")

    assert "Okafor" not in text(response)
    assert page(client, desk.colleague, reverse("thank_you_row", args=[desk.row.pk])).status_code == 404


def test_manager_sees_initials_until_asking_for_names_which_is_on_the_record(client, desk):
    initials = text(page(client, desk.manager))
    names = text(page(client, desk.manager, "/thank-you/?names=shown"))

    assert "I.Q." in initials
    assert PATIENT not in initials
    assert f"Ida {PATIENT}" in names
    with practice_scope(desk.practice):
        assert list(PatientAccess.objects.values_list("act", flat=True)) == ["revealed"]


def test_manager_sees_every_physicians_list_and_opens_one(client, desk):
    with practice_scope(desk.practice):
        sent(desk, physician=desk.colleague, provider=make.provider("Lindqvist"))
        ThankYouList.objects.all().delete()
        desk.practice.lists_made_through = None
        desk.practice.save()
        make_thank_you_lists(week=WEEK, now=make.NOW)

    overview = text(page(client, desk.manager))
    opened = text(page(client, desk.manager, f"/thank-you/2026-W46/?physician={desk.colleague.pk}"))

    assert "Physician One" in overview
    assert "Colleague Two" in overview
    assert "1 to decide" in overview
    assert "Lindqvist" not in overview
    assert "Lindqvist" in opened
    assert "Okafor" not in opened


@pytest.mark.parametrize("address", ["/thank-you/", "/thank-you/2026-W46/", "/thank-you/?names=shown"])
def test_liaison_sees_no_patient_and_no_undecided_row(client, desk, address):
    waiting = text(page(client, desk.liaison, address))
    hand_over(desk, desk.liaison)
    handed = text(page(client, desk.liaison, address))

    assert "Okafor" not in waiting
    assert "Handed over to you" in handed
    assert "2 patients" in handed
    assert "I.Q." not in handed
    assert PATIENT not in handed


def test_coordinator_sees_what_waits_with_others_and_may_not_touch_it(client, desk):
    with practice_scope(desk.practice):
        acts.write_card(desk.row, by=desk.physician, now=make.NOW)

    shown = text(page(client, desk.coordinator))

    assert "Waiting with others" in shown
    assert reverse("thank_you_written", args=[desk.row.pk]) not in shown
    assert act(client, desk.coordinator, "written", desk).status_code == 403
    assert row_of(desk).state == "to_write"


def test_colleague_to_whom_a_card_was_handed_sees_the_row_without_its_patients(client, desk):
    hand_over(desk, desk.colleague)

    shown = text(page(client, desk.colleague))

    assert "Handed over to you" in shown
    assert PATIENT not in shown
    assert "I.Q." not in shown


def test_stranger_gets_404(client, desk):
    stranger = make.member(Role.MANAGER, make.practice("Elsewhere"))

    assert act(client, stranger, "card", desk).status_code == 404
    assert page(client, stranger, reverse("thank_you_row", args=[desk.row.pk])).status_code == 404


# Weeks.


def test_current_week_gathers_read_only(client, desk):
    with practice_scope(desk.practice):
        sent(desk, received_on=date(2026, 11, 17))

    for member in (desk.physician, desk.manager):
        shown = text(page(client, member, "/thank-you/2026-W47/"))
        assert "gathering so far" in shown
        assert "1 patient" in shown
        assert reverse("thank_you_card", args=[desk.row.pk]) not in shown


def test_future_week_does_not_exist(client, desk):
    assert page(client, desk.physician, "/thank-you/2026-W48/").status_code == 404
    assert page(client, desk.physician, "/thank-you/2026-W60/").status_code == 404


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/thank-you/2026-W45/", "No referrals came in this week, so there is nobody to thank."),
        ("/thank-you/2025-W45/", "Referrals before January 5, 2026 are history"),
    ],
)
def test_week_without_a_list_says_why(client, desk, address, said):
    assert said in text(page(client, desk.physician, address))


def test_list_not_made_yet_says_when_it_is(client, desk):
    with time_machine.travel("2026-11-23 08:00Z"):  # Monday, 3:00 in New York
        assert "made on Monday, November 23, at 6 a.m." in text(page(client, desk.physician))
    client.logout()  # four hours later nobody is signed in any more
    with time_machine.travel("2026-11-23 12:00Z"):
        assert "is being made" in text(page(client, desk.physician))


def test_open_lists_of_earlier_weeks_are_not_forgotten(client, desk):
    with time_machine.travel(make.NOW + timedelta(days=7)):
        shown = text(page(client, desk.physician))

    assert "Other weeks still open" in shown
    assert "/thank-you/2026-W46/" in shown


# Acts.


def test_card_is_decided_in_place_and_can_be_undone(client, desk):
    answered = act(client, desk.physician, "card", desk, htmx=True, seen="undecided")

    assert "<html" not in text(answered)
    assert text(answered).startswith(f'<li id="thank-you-{desk.row.pk}">')
    assert "1 of 1 decided" in text(answered)
    undo = reverse("thank_you_take_back", args=[desk.row.pk])
    assert f'action="{undo}"' in text(answered)
    assert row_of(desk).state == "to_write"

    client.post(undo)
    assert row_of(desk).state == "undecided"


def test_without_scripting_the_act_leads_back_to_its_row(client, desk):
    answered = act(client, desk.physician, "carry", desk, seen="undecided")

    week = reverse("thank_you_week", args=[WEEK])
    assert answered.url == f"{week}?physician={desk.physician.pk}&row={desk.row.pk}#thank-you-{desk.row.pk}"
    assert "Carried to the next card to Dr. Okafor." in text(client.get(answered.url))


def test_act_that_asks_has_a_page_of_its_own_and_a_fragment(client, desk):
    address = reverse("thank_you_skip", args=[desk.row.pk])
    whole = page(client, desk.physician, address)
    fragment = page(client, desk.physician, address, **HTMX)

    assert "<html" in text(whole)
    assert "<html" not in text(fragment)
    assert all('name="ready"' in text(answer) for answer in (whole, fragment))


@pytest.mark.parametrize("htmx", [False, True])
def test_skipping_asks_why_and_keeps_what_was_typed(client, desk, htmx):
    refused = act(client, desk.physician, "skip", desk, htmx=htmx, ready="other", words=" ")
    act(client, desk.physician, "skip", desk, htmx=htmx, ready="other", words="She moved in with us")

    assert refused.status_code == 422
    assert "Say why, so that nobody wonders later." in text(refused)
    assert '<option value="other" selected>' in text(refused)
    assert (row_of(desk).state, row_of(desk).skip_reason) == ("skipped", "She moved in with us")


def test_reason_of_a_skip_is_for_those_who_decide(client, desk):
    act(client, desk.physician, "skip", desk, ready="in_person", words="")
    address = reverse("thank_you_row", args=[desk.row.pk])

    assert "Thanked in person" in text(page(client, desk.manager, address))
    assert "Thanked in person" not in text(page(client, desk.liaison, address))


def test_call_records_what_was_said_and_reports_back_on_the_patients_named(client, desk):
    with practice_scope(desk.practice):
        for referral in desk.referrals:
            move(referral, to="seen", seen_on=IN_WEEK, by=desk.physician, now=make.NOW)
    told, untold = desk.referrals

    asked = text(page(client, desk.physician, reverse("thank_you_call", args=[desk.row.pk])))
    act(client, desk.physician, "call", desk, note="Glad to hear", is_thanks="on", reported_on=[told.pk])

    assert f"Ida {PATIENT}, seen" in asked
    with practice_scope(desk.practice):
        call = Touchpoint.objects.get()
        for referral in (told, untold):
            referral.refresh_from_db()
    assert (call.kind, call.note, call.is_thanks) == ("call", "Glad to hear", True)
    assert (told.status, untold.status) == ("closed", "seen")
    assert row_of(desk).state == "called"


def test_call_that_only_reports_is_no_thanks(client, desk):
    act(client, desk.physician, "call", desk, note="")

    with practice_scope(desk.practice):
        assert not Touchpoint.objects.get().is_thanks


def test_call_cannot_report_on_somebody_elses_patient(client, desk):
    with practice_scope(desk.practice):
        other = sent(desk, physician=desk.colleague)
        move(other, to="seen", seen_on=IN_WEEK, by=desk.colleague, now=make.NOW)

    act(client, desk.physician, "call", desk, note="", reported_on=[other.pk])

    with practice_scope(desk.practice):
        other.refresh_from_db()
    assert other.status == "seen"


def test_line_is_kept_when_the_card_is_decided_without_asking_for_one(client, desk):
    act(client, desk.physician, "card", desk, personal_line="See you at the lake")
    act(client, desk.physician, "card", desk)

    assert row_of(desk).personal_line == "See you at the lake"


def test_handed_over_card_is_written_and_mailed_by_the_other(client, desk):
    act(client, desk.physician, "card", desk)
    act(client, desk.physician, "hand_over", desk, to=desk.liaison.pk)

    shown = text(page(client, desk.liaison))
    act(client, desk.liaison, "written", desk)
    answered = act(client, desk.liaison, "mailed", desk)

    assert "1 Pier Road" in shown
    assert answered.url == reverse("thank_you")
    row = row_of(desk)
    assert (row.state, row.mailed_on, row.card.member_id) == ("mailed", date(2026, 11, 18), desk.physician.pk)
    assert row.card.logged_by_id == desk.liaison.pk


def test_card_can_be_given_back_to_the_physician(client, desk):
    hand_over(desk, desk.liaison)
    act(client, desk.manager, "hand_over", desk, to=desk.physician.pk)

    assert row_of(desk).assignee is None


def test_assignee_does_not_decide(client, desk):
    hand_over(desk, desk.coordinator)

    assert act(client, desk.coordinator, "skip", desk, ready="unwanted").status_code == 403
    assert act(client, desk.coordinator, "take_back", desk).status_code == 403
    assert row_of(desk).state == "to_write"


def test_card_mailed_on_another_day_is_a_touchpoint_of_that_day(client, desk):
    act(client, desk.physician, "card", desk)
    future = act(client, desk.physician, "mailed", desk, on="2026-11-19")
    early = act(client, desk.physician, "mailed", desk, on="2026-11-17")
    with time_machine.travel(make.NOW + timedelta(days=2), tick=False):
        act(client, desk.physician, "mailed", desk, on="2026-11-19")

    assert early.status_code == 422
    assert "before it was decided on and written." in text(early)
    assert future.status_code == 422
    assert "be mailed in the future" in text(future).replace("have been", "be")
    assert row_of(desk).card.happened_on == date(2026, 11, 19)


def test_impossible_act_says_why_beside_the_row(client, desk):
    refused = act(client, desk.physician, "written", desk, htmx=True)

    assert refused.status_code == 422
    assert "No card was decided on for this row." in text(refused)


def test_double_click_changes_nothing_more(client, desk):
    for _click in range(2):
        answered = act(client, desk.physician, "call", desk, seen="undecided", note="Hello", is_thanks="on")

    assert "That was done already: called." in text(answered)
    with practice_scope(desk.practice):
        assert Touchpoint.objects.count() == 1


def test_second_of_two_people_sees_what_the_first_decided(client, desk):
    act(client, desk.physician, "card", desk, seen="undecided")
    answered = act(client, desk.manager, "skip", desk, htmx=True, seen="undecided", ready="unwanted")

    assert "Meanwhile Physician One decided: to write. Nothing was changed." in text(answered)
    assert row_of(desk).state == "to_write"


def test_finished_list_says_so(client, desk):
    act(client, desk.physician, "card", desk)
    answered = act(client, desk.physician, "mailed", desk, htmx=True)

    assert "All done: every row is decided, every card is on its way." in text(answered)


# Several at once.


@pytest.fixture
def three(desk):
    """Two more rows; all three are to write."""
    with practice_scope(desk.practice):
        for name in ("Lindqvist", "Moreau"):
            sent(desk, provider=make.provider(name))
        ThankYouList.objects.all().delete()
        desk.practice.lists_made_through = None
        desk.practice.save()
        make_thank_you_lists(week=WEEK, now=make.NOW)
        rows = list(ThankYou.objects.order_by("pk"))
        for row in rows:
            acts.write_card(row, by=desk.physician, now=make.NOW)
    return rows


def states(desk):
    with practice_scope(desk.practice):
        return list(ThankYou.objects.order_by("pk").values_list("state", flat=True))


def test_several_cards_are_mailed_in_one_act_and_put_back_as_they_were(client, desk, three):
    with practice_scope(desk.practice):
        acts.mark_written(three[0], by=desk.physician, now=make.NOW)
    client.force_login(desk.physician.user)
    chosen = [row.pk for row in three[:2]]

    answered = client.post(reverse("thank_you_cards"), {"act": "mailed", "row": chosen}, follow=True)
    mailed = states(desk)
    with practice_scope(desk.practice):
        undo = undo_url(UndoableAct.objects.get())
    client.post(undo)

    assert "2 cards are mailed." in text(answered)
    assert undo in text(answered)
    assert mailed == ["mailed", "mailed", "to_write"]
    assert states(desk) == ["written", "to_write", "to_write"]
    with practice_scope(desk.practice):
        assert Touchpoint.objects.standing().count() == 0


def test_marking_several_twice_says_that_they_were_marked(client, desk, three):
    client.force_login(desk.physician.user)
    data = {"act": "written", "row": [row.pk for row in three]}

    client.post(reverse("thank_you_cards"), data)
    again = client.post(reverse("thank_you_cards"), data, follow=True)

    assert "Those cards were marked already." in text(again)
    assert states(desk) == ["written"] * 3


def test_marking_several_does_none_when_one_is_not_this_members(client, desk, three):
    with practice_scope(desk.practice):
        acts.hand_over(three[0], to=desk.liaison)
    client.force_login(desk.liaison.user)

    answered = client.post(reverse("thank_you_cards"), {"act": "written", "row": [row.pk for row in three]})

    assert answered.status_code == 403
    assert states(desk) == ["to_write"] * 3


def test_put_back_of_what_has_moved_on_is_refused_kindly(client, desk, three):
    client.force_login(desk.physician.user)
    client.post(reverse("thank_you_take_back", args=[three[0].pk]))

    answered = client.post(f"{reverse('thank_you_put_back')}?written={three[0].pk}", follow=True)

    assert "nothing was changed" in text(answered)
    assert states(desk)[0] == "undecided"


# A long list.


def _made_anew(desk):
    ThankYouList.objects.all().delete()
    desk.practice.lists_made_through = None
    desk.practice.save()
    make_thank_you_lists(week=WEEK, now=make.NOW)


def _rows_shown(response):
    return [int(number) for number in re.findall(r'<li id="thank-you-(\d+)"', response.content.decode())]


def _address(response, words):
    (address,) = re.findall(rf'href="([^"]+)"\s+rel="\w+">(?:(?!</a>).)*{words}', text(response))
    return unescape(address)


def test_a_long_list_is_shown_in_parts_that_hold_every_row_once(client, desk):
    with practice_scope(desk.practice):
        for _one in range(2 * PAGE_ROWS + 2):
            sent(desk, provider=make.provider(at=desk.office))
        _made_anew(desk)
        rows = set(ThankYou.objects.values_list("pk", flat=True))
    first = page(client, desk.physician)
    second = page(client, desk.physician, _address(first, "The next ones"))
    third = page(client, desk.physician, _address(second, "The next ones"))
    parts = [_rows_shown(one) for one in (first, second, third)]

    assert [len(part) for part in parts] == [PAGE_ROWS, PAGE_ROWS, 3]
    assert set().union(*parts) == rows
    assert f"0 of {len(rows)} decided" in text(third)
    assert _rows_shown(page(client, desk.physician, _address(third, "Those before"))) == parts[1]
    assert "Those before" not in text(first)
    assert "The next ones" not in text(third)


def test_after_an_act_one_is_in_the_part_where_the_row_stands(client, desk):
    with practice_scope(desk.practice):
        for _one in range(PAGE_ROWS):
            sent(desk, provider=make.provider(at=desk.office))
        _made_anew(desk)
    first = page(client, desk.physician)
    (last,) = _rows_shown(page(client, desk.physician, _address(first, "The next ones")))
    client.force_login(desk.physician.user)
    answered = client.post(reverse("thank_you_card", args=[last]), follow=True)

    assert _rows_shown(answered) == [last]
    assert f"#thank-you-{last}" in answered.redirect_chain[-1][0]


@pytest.mark.parametrize("row", ["0", "999999999", "x", "9" * 30, ""])
def test_a_row_that_is_not_there_shows_the_first_part(client, desk, row):
    assert _rows_shown(page(client, desk.physician, f"/thank-you/?row={row}")) == [desk.row.pk]


def test_more_cards_than_a_page_holds_are_found_in_the_queue(client, desk):
    with practice_scope(desk.practice):
        for _one in range(OTHERS):
            sent(desk, provider=make.provider(at=desk.office))
        _made_anew(desk)
        for row in ThankYou.objects.all()[:OTHERS]:
            acts.write_card(row, by=desk.physician, now=make.NOW)
    few = page(client, desk.coordinator)
    with practice_scope(desk.practice):
        acts.write_card(ThankYou.objects.undecided().get(), by=desk.physician, now=make.NOW)
    many = page(client, desk.coordinator)

    assert len(_rows_shown(few)) == len(_rows_shown(many)) == OTHERS
    assert "More cards wait" not in text(few)
    assert "More cards wait" in text(many)


def test_what_was_handed_over_stands_there_however_many_cards_wait(client, desk):
    with practice_scope(desk.practice):
        for _one in range(OTHERS + 5):
            sent(desk, provider=make.provider(at=desk.office))
        _made_anew(desk)
        for row in ThankYou.objects.all():
            acts.write_card(row, by=desk.physician, now=make.NOW)
        mine = ThankYou.objects.latest("pk")
        acts.hand_over(mine, to=desk.coordinator)
        handed = list(ThankYou.objects.values_list("pk", flat=True)[: OTHERS + 1])
    assert mine.pk in _rows_shown(page(client, desk.coordinator))

    with practice_scope(desk.practice):
        for row in ThankYou.objects.filter(pk__in=handed):
            acts.hand_over(row, to=desk.coordinator)
    shown = page(client, desk.coordinator)
    assert "Waiting with others" not in text(shown)
    assert "More cards wait" in text(shown)


def test_names_once_shown_are_shown_in_the_next_part_and_showing_them_stays_in_the_part(client, desk):
    with practice_scope(desk.practice):
        for _one in range(PAGE_ROWS):
            sent(desk, provider=make.provider(at=desk.office))
        _made_anew(desk)
    hidden = page(client, desk.manager)
    last = page(client, desk.manager, _address(hidden, "The next ones"))
    assert PATIENT not in text(last)
    (names,) = re.findall(r'href="([^"]*names=shown)"', text(last))
    revealed = page(client, desk.manager, unescape(names))
    assert _rows_shown(revealed) == _rows_shown(last)
    assert PATIENT in text(revealed)
    before = page(client, desk.manager, _address(revealed, "Those before"))
    assert _rows_shown(before) == _rows_shown(hidden)
    assert PATIENT in text(before)


# Cost.


@pytest.mark.parametrize("role", ["manager", "coordinator", "physician", "liaison"])
def test_pages_cost_at_most_thirteen_queries_however_many_rows(client, desk, role):
    def queries():
        client.force_login(getattr(desk, role).user)
        with CaptureQueriesContext(connection) as captured:
            assert client.get("/thank-you/").status_code == 200
        return len(captured)

    def more(count):
        with practice_scope(desk.practice):
            for _one in range(count):
                sent(desk, provider=make.provider(at=desk.office))
            _made_anew(desk)
            for row in ThankYou.objects.order_by("pk")[::2]:
                acts.write_card(row, by=desk.physician, now=make.NOW)
                acts.hand_over(row, to=getattr(desk, role))

    more(4)
    few = queries()
    more(5)

    assert queries() == few <= 13
