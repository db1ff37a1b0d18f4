"""Reports back: the board, the one act that closes the loop, its undo, and the measure."""

from datetime import date, datetime, time, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from contacts.models import Referral, ReferralStep
from contacts.referral_way import move
from practices.business_days import add_business_days
from practices.isolation import practice_scope
from practices.models import Cover, Location, PatientAccess
from practices.pages import PAGE_ROWS
from practices.roles import Role
from tests import make
from touchpoints.models import Reminder, RuleSetting, Touchpoint
from touchpoints.reminders import remind

BOARD = "/report-back/"
TELL = "/report-back/tell/"


@pytest.fixture
def practice(db):
    return make.practice(starts_on=date(2025, 1, 6))


@pytest.fixture
def coordinator(practice):
    return make.member(Role.COORDINATOR, practice)


@pytest.fixture
def physician(practice):
    return make.member(Role.PHYSICIAN, practice, name="Rosa Reyes")


@pytest.fixture
def today(practice):
    return practice.today(timezone.now())


def referral(by, *, days_ago=30, to="", **fields):
    """Received so many days ago, and moved to where it stands; `seen` the day after it came."""
    now = timezone.now()
    received_on = by.practice.today(now) - timedelta(days=days_ago)
    row = make.referral(by, now=now - timedelta(days=days_ago), **{"received_on": received_on, **fields})
    step = {"seen_on": received_on + timedelta(days=1)} if to == "seen" else {}
    if to in ("scheduled", "no_show"):
        at = now - timedelta(days=days_ago - 2)
        row = move(row, to="scheduled", by=by, now=now - timedelta(days=days_ago), appointment_at=at)
    return move(row, to=to, by=by, now=now, **step) if to not in ("", "scheduled") else row


def columns(client, member, query=""):
    client.force_login(member.user)
    answer = client.get(BOARD + query)
    assert answer.status_code == 200
    return {column.step.key: column for column in (*answer.context["way"], *answer.context["ends"])}


def listed(client, member, query):
    client.force_login(member.user)
    return [line.pk for line in client.get(BOARD + query).context["lines"]]


def tell(client, member, *rows, **how):
    client.force_login(member.user)
    return client.post(TELL, {"referral": [row.pk for row in rows], **how}, follow=True)


def undo(client, answer):
    message = list(answer.context["messages"])[-1]
    return client.post(message.extra_tags, follow=True)


def stands(row):
    row = Referral.objects.get(pk=row.pk)
    return row.status, row.reported_back_by


def test_each_referral_stands_at_its_step_and_history_nowhere(client, practice, coordinator):
    with practice_scope(practice):
        made = {step: referral(coordinator, to=step) for step in ("", "contacted", "scheduled", "seen")}
        made |= {step: referral(coordinator, to=step) for step in ("no_show", "declined", "unreachable")}
        referral(coordinator, to="cancelled")
        referral(coordinator, to="seen", days_ago=800)
        told = referral(coordinator, to="seen")
    tell(client, coordinator, told, note_channel="fax")
    found = columns(client, coordinator)
    made["received"], made["told"] = made.pop(""), told
    assert {key: [line.pk for line in column.rows] for key, column in found.items()} == {
        key: [row.pk] for key, row in made.items()
    }
    assert {column.count for column in found.values()} == {"1"}


def test_each_row_says_since_when_and_what_is_due_longest_stands_first(client, practice, coordinator):
    with practice_scope(practice):
        recent, oldest = referral(coordinator, to="seen", days_ago=3), referral(coordinator, to="seen")
        waits, come = referral(coordinator, days_ago=9), referral(coordinator, to="scheduled", days_ago=5)
    found = columns(client, coordinator)
    assert [(line.pk, line.age) for line in found["seen"].rows] == [
        (oldest.pk, "seen 29 days ago"),
        (recent.pk, "seen 2 days ago"),
    ]
    assert found["seen"].over_words == "1 over the limit"
    assert found["seen"].rows[0].over.startswith("over the limit, due")
    assert [line.age for line in found["received"].rows] == ["received 9 days ago"]
    assert [line.age for line in found["scheduled"].rows] == ["appointment 3 days ago"]
    assert {waits.pk, come.pk} == {line.pk for key in ("received", "scheduled") for line in found[key].rows}


def test_the_limit_is_the_practices_own(client, practice, coordinator, today):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", days_ago=20)
        seen_on = next(
            day
            for day in (today - timedelta(days=n) for n in range(1, 20))
            if add_business_days(day, 2) < today <= add_business_days(day, 6)
        )
        Referral.objects.filter(pk=row.pk).update(
            seen_on=seen_on,
            next_action_due_at=datetime.combine(add_business_days(seen_on, 2), time(17), practice.zone),
        )
    assert columns(client, coordinator)["seen"].over == 1
    with practice_scope(practice):
        setting = RuleSetting.objects.create(rule="report_backs", numbers={"days": 6})
    column = columns(client, coordinator)["seen"]
    assert (column.over, column.rows[0].over) == (0, "")
    with practice_scope(practice):
        RuleSetting.objects.filter(pk=setting.pk).update(numbers={"days": 1})
    assert columns(client, coordinator)["seen"].over == 1


def test_the_filters_stand_in_the_address(client, practice, coordinator, physician, today):
    with practice_scope(practice):
        harbor, okafor = Location.objects.create(name="Harbor"), make.provider("Okafor")
        theirs = referral(coordinator, to="seen", physician=physician)
        there = referral(coordinator, to="seen", location=harbor)
        sent = referral(coordinator, to="seen", provider=okafor)
        long_ago = referral(coordinator, to="seen", days_ago=100)
    month = f"{today - timedelta(days=99):%Y-%m}"
    for query, row in (
        (f"physician={physician.pk}", theirs),
        (f"location={harbor.pk}", there),
        (f"provider={okafor.pk}", sent),
        (f"month={month}", long_ago),
    ):
        column = columns(client, coordinator, f"?{query}")["seen"]
        assert [line.pk for line in column.rows] == [row.pk]
        assert listed(client, coordinator, column.url.removeprefix(BOARD)) == [row.pk]
    assert columns(client, coordinator, "?month=2026-99&physician=x&location=0")["seen"].count == "4"


def test_a_referrer_who_is_no_longer_there_is_told_of_with_care(client, practice, coordinator):
    with practice_scope(practice):
        late = make.provider("Okafor", state="deceased")
        row = referral(coordinator, to="seen", provider=late)
    assert columns(client, coordinator, f"?provider={late.pk}")["seen"].rows[0].caution == "Deceased"
    for address in ("", "?step=seen", f"?provider={late.pk}"):
        page = client.get(BOARD + address).content.decode()
        assert "Deceased" in page
        assert ("Only what Amara Okafor, MD sent." in page) == ("provider" in address)
    assert "is marked: deceased" in client.get(TELL, {"referral": row.pk}).content.decode()


def test_pages_of_a_step_follow_each_other_without_a_gap(client, practice, coordinator):
    with practice_scope(practice):
        sender = make.provider()
        made = [
            referral(coordinator, to="seen", days_ago=20, provider=sender).pk for _ in range(PAGE_ROWS + 3)
        ]
    client.force_login(coordinator.user)
    for step, order in (("seen", made), ("was_seen", made[::-1]), ("told", made[::-1])):
        first = client.get(f"{BOARD}?step={step}")
        older = client.get(BOARD + first.context["page"].older_url)
        rows = [line.pk for answer in (first, older) for line in answer.context["lines"]]
        assert rows == order
        client.post(TELL, {"referral": made, "note_channel": "fax"})


@pytest.mark.parametrize("key", ["x", "~", "9999-12-31T23:59:59.999999-23:59~1", f"2026-11-17~{'9' * 30}"])
def test_a_malformed_key_starts_over_or_ends(client, practice, coordinator, key):
    with practice_scope(practice):
        referral(coordinator, to="seen")
    client.force_login(coordinator.user)
    for step in ("seen", "was_seen", "told"):
        assert client.get(BOARD, {"step": step, "after": key}).status_code == 200


def test_names_are_initials_until_somebody_asks_and_that_is_written_down(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", patient_family_name="Testperson", patient_given_name="Ida")
    client.force_login(coordinator.user)
    for query in ("?", "?step=seen&"):
        page = client.get(BOARD + query).content.decode()
        assert "I.T." in page
        assert "Testperson" not in page
        assert "Ida Testperson" in client.get(f"{BOARD}{query}names=shown").content.decode()
    with practice_scope(practice):
        found = [(access.act, access.page, access.referral_ids) for access in PatientAccess.objects.all()]
    assert found == [("revealed", "report_back", [row.pk])] * 2


def test_a_liaison_finds_references_and_ages_and_never_a_patient(client, practice, coordinator):
    liaison = make.member(Role.LIAISON, practice)
    with practice_scope(practice):
        row = referral(coordinator, to="seen", patient_family_name="Testperson", reason="palpitations")
    client.force_login(liaison.user)
    for query in ("?names=shown", "?step=seen&names=shown", "figures/"):
        page = client.get(BOARD + query).content.decode()
        assert (row.reference in page) == (query != "figures/")
        for patient in ("Testperson", "I.T.", "palpitations", "seen 29 days ago", "/report-back/tell/?"):
            assert patient not in page
    assert client.post(TELL, {"referral": row.pk, "note_channel": "fax"}).status_code == 403
    with practice_scope(practice):
        assert not PatientAccess.objects.exists()


def test_a_physician_finds_and_tells_their_own_and_a_covered_colleagues(client, practice, coordinator, today):
    one, other = (make.member(Role.PHYSICIAN, practice) for _ in range(2))
    with practice_scope(practice):
        own, colleagues = (referral(coordinator, to="seen", physician=who) for who in (one, other))
    assert [line.pk for line in columns(client, one)["seen"].rows] == [own.pk]
    assert tell(client, one, colleagues, note_channel="fax").status_code == 404
    assert tell(client, one, own, colleagues, note_channel="fax").status_code == 404
    with practice_scope(practice):
        assert stands(own) == ("seen", None)
        Cover.objects.create(
            physician=other, covered_by=one, starts_on=today, ends_on=today, created_by=coordinator
        )
    tell(client, one, own, colleagues, note_channel="fax")
    with practice_scope(practice):
        assert stands(own) == stands(colleagues) == ("closed", one)


def test_a_stranger_can_tell_of_nobody(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="seen")
    stranger = make.member(Role.MANAGER, make.practice("Theirs"))
    client.force_login(stranger.user)
    assert client.get(TELL, {"referral": row.pk}).status_code == 404
    assert client.post(TELL, {"referral": row.pk, "note_channel": "fax"}).status_code == 404
    assert columns(client, stranger)["seen"].count == "0"


def test_a_note_closes_the_loop_and_says_how(client, practice, coordinator):
    with practice_scope(practice):
        row, end = referral(coordinator, to="seen"), referral(coordinator, to="declined")
    answer = tell(client, coordinator, row, end, note_channel="portal", next="/report-back/?step=seen")
    assert answer.redirect_chain[-1][0] == "/report-back/?step=seen"
    with practice_scope(practice):
        assert stands(row) == ("closed", coordinator)
        assert stands(end) == ("declined", coordinator)
        assert not Referral.objects.awaiting_report_back().exists()
        steps = ReferralStep.objects.filter(act="reported_back")
        assert set(steps.values_list("note_channel", "was_called")) == {("portal", False)}
        assert not Touchpoint.objects.exists()
    story = client.get(reverse("referral", args=[row.pk])).content.decode()
    assert "told the referrer (consult note by portal)" in story


def test_a_second_press_changes_nothing_and_a_colleague_may_be_quicker(
    client, practice, coordinator, physician
):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", physician=physician)
    how = {"note_channel": "fax", "call_outcome": "reached", "note": "all well"}
    tell(client, coordinator, row, **how)
    assert "It was told already." in tell(client, coordinator, row, **how).content.decode()
    assert "It was told already." in tell(client, physician, row, note_channel="letter").content.decode()
    with practice_scope(practice):
        assert ReferralStep.objects.filter(act="reported_back").count() == 1
        assert Touchpoint.objects.count() == 1
        assert stands(row) == ("closed", coordinator)


def test_whoever_comes_second_logs_no_call(client, practice, coordinator, physician):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", physician=physician)
    tell(client, coordinator, row, call_outcome="reached", note="all well")
    for outcome in ("reached", "voicemail"):
        second = tell(client, physician, row, call_outcome=outcome, note="mine").content.decode()
        assert "It was told already. Nothing was logged again." in second
    with practice_scope(practice):
        assert Touchpoint.objects.count() == 1


def test_one_call_tells_of_several_patients_of_one_referrer(client, practice, coordinator):
    with practice_scope(practice):
        okafor = make.provider("Okafor")
        rows = [referral(coordinator, to="seen", provider=okafor) for _ in range(3)]
        other = referral(coordinator, to="seen")
    client.force_login(coordinator.user)
    page = client.get(TELL, {"referral": rows[0].pk})
    offered = [pk for pk, _words in page.context["form"].fields["referral"].choices]
    assert offered == [row.pk for row in rows]
    assert page.context["form"].initial["referral"] == [rows[0].pk]
    tell(client, coordinator, *rows, call_outcome="reached", note="all three are well", is_thanks="on")
    with practice_scope(practice):
        assert [stands(row)[0] for row in rows] == ["closed"] * 3
        assert stands(other) == ("seen", None)
        call = Touchpoint.objects.get()
        assert (call.provider, call.referral_id, call.is_thanks) == (okafor, rows[0].pk, True)
        assert set(ReferralStep.objects.filter(act="reported_back").values_list("was_called")) == {(True,)}


def test_a_call_that_reached_nobody_is_logged_and_tells_nothing(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="seen")
    answer = tell(client, coordinator, row, call_outcome="voicemail")
    assert "word is still owed" in answer.content.decode()
    with practice_scope(practice):
        assert stands(row) == ("seen", None)
        assert Touchpoint.objects.get().call_outcome == "voicemail"
    tell(client, coordinator, row, call_outcome="voicemail", note_channel="letter")
    with practice_scope(practice):
        step = ReferralStep.objects.get(act="reported_back")
        assert (step.note_channel, step.was_called) == ("letter", False)


def test_it_must_be_said_how_and_of_whom(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="seen")
    answer = tell(client, coordinator, row)
    assert answer.status_code == 422
    assert "by a note, by a call, or both" in answer.content.decode()
    assert "Tick whom" in tell(client, coordinator, note_channel="fax").content.decode()
    for elsewhere in ("https://elsewhere.test/", "//elsewhere.test/", "²"):
        asked = client.get(TELL, {"referral": row.pk, "next": elsewhere})
        assert asked.context["url_after"] == reverse("referral", args=[row.pk])


def test_where_no_word_is_owed_nothing_is_asked(client, practice, coordinator):
    with practice_scope(practice):
        told, early = referral(coordinator, to="seen"), referral(coordinator)
    tell(client, coordinator, told, note_channel="fax")
    for row, status in ((told, "reported back"), (early, "received")):
        answer = client.get(TELL, {"referral": row.pk}, follow=True)
        assert answer.redirect_chain[-1][0] == reverse("referral", args=[row.pk])
        assert f"{row.reference} is {status}: no word is owed." in answer.content.decode()


def test_several_referrers_are_told_by_notes_and_called_one_by_one(client, practice, coordinator):
    with practice_scope(practice):
        rows = [referral(coordinator, to="seen") for _ in range(2)]
    answer = tell(client, coordinator, *rows, call_outcome="reached")
    assert answer.status_code == 422
    with practice_scope(practice):
        assert not Touchpoint.objects.exists()
        assert [stands(row)[0] for row in rows] == ["seen", "seen"]


def test_where_one_has_nothing_to_report_yet_none_is_told(client, practice, coordinator):
    with practice_scope(practice):
        ready, early = referral(coordinator, to="seen"), referral(coordinator)
    answer = tell(client, coordinator, ready, early, note_channel="fax")
    assert answer.status_code == 422
    assert f"{early.reference}: There is nothing to report yet" in answer.content.decode()
    with practice_scope(practice):
        assert stands(ready) == ("seen", None)


def test_it_can_be_undone_with_its_call_by_whoever_said_it(client, practice, coordinator, physician):
    with practice_scope(practice):
        okafor = make.provider("Okafor")
        rows = [referral(coordinator, to="seen", provider=okafor, physician=physician) for _ in range(2)]
    answer = tell(client, coordinator, *rows, note_channel="fax", call_outcome="reached")
    url = list(answer.context["messages"])[-1].extra_tags
    client.force_login(physician.user)
    client.post(url)
    with practice_scope(practice):
        assert {stands(row)[0] for row in rows} == {"closed"}
    client.force_login(coordinator.user)
    for _press in range(2):
        client.post(url)
    with practice_scope(practice):
        assert {stands(row) for row in rows} == {("seen", None)}
        assert not Touchpoint.objects.standing().exists()
        assert Referral.objects.get(pk=rows[0].pk).next_action == "report_back"


def test_undoing_nothing_of_ones_own_says_so(client, practice, coordinator, physician):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", physician=physician)
    tell(client, coordinator, row, note_channel="fax")
    with practice_scope(practice):
        step = ReferralStep.objects.get(act="reported_back")
    nothing, query = "There is nothing to undo", f"?step={step.pk}"
    told = [(coordinator, "", nothing), (physician, query, nothing)]
    for member, asked, said in [*told, (coordinator, query, "word is owed"), (coordinator, query, nothing)]:
        client.force_login(member.user)
        assert said in client.post(reverse("report_back_undo") + asked, follow=True).content.decode()


def test_undoing_refuses_what_another_step_has_followed(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="no_show")
    answer = tell(client, coordinator, row, note_channel="fax")
    with practice_scope(practice):
        move(row, to="contacted", by=coordinator, now=timezone.now())
    assert "another has followed" in undo(client, answer).content.decode()
    with practice_scope(practice):
        assert stands(row) == ("contacted", None)


def test_telling_closes_the_reminder_and_undoing_brings_it_back(client, practice, coordinator, physician):
    with practice_scope(practice):
        row = referral(coordinator, to="seen", physician=physician)
        remind(now=timezone.now(), only=("report_backs",))
    answer = tell(client, coordinator, row, note_channel="fax")
    with practice_scope(practice):
        assert [reminder.state for reminder in Reminder.objects.all()] == ["gone"]
    undo(client, answer)
    with practice_scope(practice):
        assert [(one.state, one.member) for one in Reminder.objects.all()] == [("open", physician)]


def test_the_referrals_page_asks_how_they_were_told(client, practice, coordinator):
    with practice_scope(practice):
        row = referral(coordinator, to="seen")
    client.force_login(coordinator.user)
    assert f"{TELL}?referral={row.pk}" in client.get(reverse("referral", args=[row.pk])).content.decode()
    client.post(reverse("referral_step", args=[row.pk]), {"act": "report_back", "note_channel": "letter"})
    with practice_scope(practice):
        assert ReferralStep.objects.get(act="reported_back").note_channel == "letter"


def test_the_board_costs_the_same_with_twice_the_rows(
    client, practice, coordinator, django_assert_max_num_queries
):
    for _round in range(2):
        with practice_scope(practice):
            for step in ("", "contacted", "scheduled", "seen", "no_show", "declined"):
                for _row in range(4):
                    referral(coordinator, to=step)
        client.force_login(coordinator.user)
        row = columns(client, coordinator)["seen"].rows[0]
        of_one = f"?provider={row.row.referral.provider_id}"
        for query in (
            "",
            of_one,
            "?step=seen",
            "?step=told",
            f"figures/{of_one}",
            f"tell/?referral={row.pk}",
        ):
            with django_assert_max_num_queries(12):
                assert client.get(BOARD + query).status_code == 200
        with django_assert_max_num_queries(13):  # one more writes down whose names were shown
            assert client.get(f"{BOARD}?names=shown").status_code == 200
