"""The settings: practice, locations, covers, mail, and the log of who saw patients."""

from datetime import date, timedelta

import pytest
import time_machine
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Referral
from practices.covers import end_cover
from practices.isolation import practice_scope
from practices.models import Cover, Location, OutboxEnvelope, PatientAccess, Practice
from practices.outbox import queue_mail
from practices.pages import PAGE_ROWS
from practices.patient_access import record_access
from tests import make

NOW = make.NOW
TODAY = date(2026, 11, 18)


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def manager(practice):
    return make.member("manager", practice, name="Mara Voss")


@pytest.fixture
def signed_in(client, manager):
    client.force_login(manager.user)
    return client


@pytest.fixture
def at_noon():
    with time_machine.travel(NOW, tick=False):
        yield


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


class TestPractice:
    FORM = {
        "name": "Harbor Heart",
        "time_zone": "America/Denver",
        "starts_on": "2026-02-02",
        "list_weekday": "4",
        "list_hour": "16",
        "card_interval_days": "21",
    }

    def test_is_changed_by_its_manager(self, signed_in, practice):
        assert signed_in.post(reverse("settings"), self.FORM).url == reverse("settings")
        practice.refresh_from_db()
        assert (practice.name, practice.time_zone, practice.starts_on) == (
            "Harbor Heart",
            "America/Denver",
            date(2026, 2, 2),
        )
        assert (practice.list_weekday, practice.list_hour, practice.card_interval_days) == (4, 16, 21)

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("name", ""),
            ("time_zone", "Mars/Olympus"),
            ("list_weekday", "7"),
            ("list_hour", "24"),
            ("card_interval_days", "0"),
            ("starts_on", "soon"),
        ],
    )
    def test_keeps_what_was_typed_beside_an_error(self, signed_in, practice, field, value):
        answer = signed_in.post(reverse("settings"), {**self.FORM, field: value})
        assert answer.status_code == 422
        assert field in answer.context["form"].errors
        assert Practice.objects.get(pk=practice.pk).name == "Harbor Cardiology"

    def test_keeps_its_start_once_lists_were_made(self, signed_in, practice):
        Practice.objects.update(lists_made_through=date(2026, 11, 9))
        assert signed_in.post(reverse("settings"), self.FORM).status_code == 302
        assert Practice.objects.get(pk=practice.pk).starts_on == date(2026, 1, 5)


class TestLocations:
    def test_are_added_and_changed(self, signed_in, practice):
        signed_in.post(reverse("location_new"), {"name": "Main Street", "city": "Salem", "state": "ma"})
        with practice_scope(practice):
            location = Location.objects.get()
        assert location.address_line == "Salem, MA"
        odd = signed_in.post(reverse("location_edit", args=[location.pk]), {"name": "Elm", "zip_code": "abc"})
        assert odd.status_code == 422 and "A ZIP code has five digits" in text_of(odd)
        signed_in.post(reverse("location_edit", args=[location.pk]), {"name": "Elm Street"})
        assert "Elm Street" in text_of(signed_in.get(reverse("locations")))

    def test_have_one_name_each_in_a_practice(self, signed_in, practice):
        with practice_scope(practice):
            Location.objects.create(name="Main Street")
        with practice_scope(other := make.practice("Elsewhere")):
            Location.objects.create(name="Elm Street", practice=other)
        assert signed_in.post(reverse("location_new"), {"name": "main street"}).status_code == 422
        assert signed_in.post(reverse("location_new"), {"name": "Elm Street"}).status_code == 302


@pytest.mark.usefixtures("at_noon")
class TestCovers:
    @pytest.fixture
    def physicians(self, practice):
        return [
            make.member("physician", practice, name=name) for name in ("Ana Reyes", "Tom Okoro", "Lin Wu")
        ]

    def cover(self, physician, covered_by, **days) -> dict:
        return {
            "physician": physician.pk,
            "covered_by": covered_by.pk,
            "starts_on": days.get("starts_on", TODAY),
            "ends_on": days.get("ends_on", TODAY + timedelta(days=3)),
        }

    def test_let_the_colleague_see_those_patients_meanwhile(self, signed_in, practice, manager, physicians):
        ana, tom, _ = physicians
        with practice_scope(practice):
            referral = make.referral(by=manager, physician=ana)
            assert not Referral.objects.visible_to(tom, day=TODAY).filter(pk=referral.pk).exists()
        assert signed_in.post(reverse("covers"), self.cover(ana, tom)).status_code == 302
        with practice_scope(practice):
            assert Referral.objects.visible_to(tom, day=TODAY).filter(pk=referral.pk).exists()
        assert "Tom Okoro for Ana Reyes" in text_of(signed_in.get(reverse("covers")))

    def test_are_given_by_a_physician_for_their_own_patients_alone(self, client, practice, physicians):
        ana, tom, lin = physicians
        client.force_login(ana.user)
        assert client.post(reverse("covers"), self.cover(tom, ana)).status_code == 422
        assert client.post(reverse("covers"), self.cover(tom, lin)).status_code == 422
        assert client.post(reverse("covers"), self.cover(ana, lin)).status_code == 302
        with practice_scope(practice):
            cover = Cover.objects.get()
            assert (cover.physician, cover.covered_by, cover.created_by) == (ana, lin, ana)

    def test_of_others_are_neither_seen_nor_ended_by_a_physician(self, client, practice, manager, physicians):
        ana, tom, lin = physicians
        with practice_scope(practice):
            cover = Cover.objects.create(
                physician=tom, covered_by=lin, created_by=manager, starts_on=TODAY, ends_on=TODAY
            )
        client.force_login(ana.user)
        assert "Tom Okoro" not in text_of(client.get(reverse("covers"))).partition("Add a cover")[0]
        assert client.post(reverse("cover_end", args=[cover.pk])).status_code == 404

    @pytest.mark.parametrize(
        ("days", "field"),
        [
            ({"ends_on": TODAY - timedelta(days=1), "starts_on": TODAY - timedelta(days=2)}, "ends_on"),
            ({"starts_on": TODAY + timedelta(days=9)}, "ends_on"),
        ],
    )
    def test_on_impossible_days_are_refused(self, signed_in, physicians, days, field):
        answer = signed_in.post(reverse("covers"), self.cover(*physicians[:2], **days))
        assert (answer.status_code, field in answer.context["form"].errors) == (422, True)

    def test_by_oneself_or_a_member_who_is_no_physician_are_refused(self, signed_in, manager, physicians):
        for stand_in in (physicians[0], manager):
            answer = signed_in.post(reverse("covers"), self.cover(physicians[0], stand_in))
            assert "covered_by" in answer.context["form"].errors

    def test_that_began_end_yesterday_and_those_to_come_vanish(
        self, signed_in, practice, manager, physicians
    ):
        ana, tom, lin = physicians
        with practice_scope(practice):
            began, coming = (
                Cover.objects.create(
                    physician=ana, covered_by=colleague, created_by=manager, starts_on=start, ends_on=end
                )
                for colleague, start, end in (
                    (tom, TODAY - timedelta(days=2), TODAY + timedelta(days=2)),
                    (lin, TODAY + timedelta(days=5), TODAY + timedelta(days=6)),
                )
            )
            end_cover(coming, today=TODAY, by=manager, now=make.NOW)
        signed_in.post(reverse("cover_end", args=[began.pk]))
        with practice_scope(practice):
            assert [cover.ends_on for cover in Cover.objects.all()] == [TODAY - timedelta(days=1)]


class TestMail:
    def queue(self, practice, to="ida@example.test", **changes) -> OutboxEnvelope:
        envelope = queue_mail(to=to, subject="Secret subject", text="Secret text", practice=practice, now=NOW)
        OutboxEnvelope.objects.filter(pk=envelope.pk).update(**changes)
        return envelope

    def test_shows_where_it_stands_and_never_what_it_says(self, signed_in, practice):
        self.queue(practice, state="failed", attempts=3, last_error="SMTPRecipientsRefused 550")
        page = text_of(signed_in.get(reverse("outbox")))
        said = "The mail server refuses this address (550)"
        for shown in ("ida@example.test", "given up", said):
            assert shown in page
        assert "Secret" not in page

    def test_put_off_says_when_it_is_tried_again_and_what_is_over_is_not(self, signed_in, practice):
        self.queue(practice, attempts=2, last_error="gaierror", next_try_at=NOW + timedelta(minutes=4))
        self.queue(practice, "oz@example.test", state="outdated", attempts=2, last_error="Strange")
        page = text_of(signed_in.get(reverse("outbox")))
        for shown in (
            "next try Nov 18, 10:04 AM",
            "The mail server could not be reached<",
            "out of date",
            "It could not be sent (Strange)",
        ):
            assert shown in page
        assert (page.count("Try again"), page.count("next try")) == (1, 1)

    def test_of_another_practice_is_not_shown_nor_tried_again(self, signed_in, practice):
        other = self.queue(make.practice("Elsewhere"), "other@example.test", state="failed")
        nobodys = self.queue(None, "nobody@example.test", state="failed")
        page = text_of(signed_in.get(reverse("outbox")))
        assert "other@" not in page
        assert "nobody@" not in page
        for envelope in (other, nobodys):
            assert signed_in.post(reverse("outbox_retry", args=[envelope.pk])).status_code == 404

    def test_given_up_is_tried_again_on_request(self, signed_in, practice):
        envelope = self.queue(practice, state="failed", attempts=30)
        signed_in.post(reverse("outbox_retry", args=[envelope.pk]))
        envelope = OutboxEnvelope.objects.get(pk=envelope.pk)
        assert (envelope.state, envelope.attempts) == ("waiting", 0)

    def test_is_filtered_by_state(self, signed_in, practice):
        self.queue(practice, "ida@example.test")
        self.queue(practice, "oz@example.test", state="failed")
        page = text_of(signed_in.get(reverse("outbox"), {"state": "failed"}))
        assert ("oz@example.test" in page, "ida@example.test" in page) == (True, False)

    def test_is_paged_and_asks_no_more_of_the_database_for_more_rows(self, signed_in, practice):
        def queries() -> int:
            with CaptureQueriesContext(
                connection,
            ) as captured:
                signed_in.get(reverse("outbox"))
            return len(captured)

        for number in range(10):
            self.queue(practice, f"person{number}@example.test")
        few = queries()
        for number in range(10, PAGE_ROWS + 10):
            self.queue(practice, f"person{number}@example.test")
        assert queries() == few <= 12
        first = signed_in.get(reverse("outbox"))
        older = signed_in.get(reverse("outbox") + first.context["page"].older_url)
        shown = [row.recipient for answer in (first, older) for row in answer.context["page"].rows]
        assert shown == [f"person{number}@example.test" for number in reversed(range(PAGE_ROWS + 10))]


class TestWhoSawPatients:
    @pytest.fixture
    def coordinator(self, practice):
        return make.member("coordinator", practice, name="Cora Lind")

    def log(self, member, act="viewed", ids=(1, 2), at=NOW, page="referral", **fields) -> None:
        with time_machine.travel(at, tick=False), practice_scope(member.practice_id):
            record_access(member, act=PatientAccess.Act(act), page=page, referral_ids=ids, **fields)

    def test_is_listed_with_who_what_and_which_referrals(self, signed_in, coordinator, practice):
        ana = make.member("physician", practice, name="Ana Reyes")
        self.log(coordinator, ids=range(100, 115), covering_for=ana)
        page = text_of(signed_in.get(reverse("patient_accesses")))
        for shown in (
            "Cora Lind",
            "covering for Ana Reyes",
            "viewed",
            "Nov 18, 2026, 10:00 AM",
            "and 5 more",
        ):
            assert shown in page
        assert reverse("referral", args=[100]) in page

    def test_is_filtered_by_member_act_and_day(self, signed_in, coordinator, manager):
        late_evening = NOW + timedelta(hours=13)  # 23:00 in New York, the next day in UTC
        self.log(coordinator, at=late_evening, page="late")
        self.log(manager, "searched", ids=[], at=NOW + timedelta(hours=20), page="next-day")

        def pages(**filters) -> list[str]:
            return [
                row.page for row in signed_in.get(reverse("patient_accesses"), filters).context["page"].rows
            ]

        assert pages() == ["next-day", "late"]
        assert pages(until="2026-11-18") == ["late"]
        assert pages(since="2026-11-19") == ["next-day"]
        assert pages(since="2026-11-18", until="2026-11-18") == ["late"]
        assert pages(member=coordinator.pk) == ["late"]
        assert pages(act="searched") == ["next-day"]
        assert pages(member="x", since="x") == ["next-day", "late"]

    def test_is_paged_by_key_through_rows_of_one_moment(self, signed_in, coordinator):
        for number in range(120):
            self.log(coordinator, page=f"page {number}")
        found, url = [], reverse("patient_accesses")
        while url:
            answer = signed_in.get(url)
            found += [row.page for row in answer.context["page"].rows]
            older = answer.context["page"].older_url
            url = older and reverse("patient_accesses") + older
        assert found == [f"page {number}" for number in reversed(range(120))]

    @pytest.mark.parametrize("after", ["x", "2026-11-18T15:00:00+00:00", "~", "9~9~9"])
    def test_starts_over_at_a_malformed_place(self, signed_in, coordinator, after):
        self.log(coordinator)
        answer = signed_in.get(reverse("patient_accesses"), {"after": after})
        assert (answer.status_code, len(answer.context["page"].rows)) == (200, 1)

    def test_asks_no_more_of_the_database_for_more_rows(self, signed_in, coordinator, manager):
        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                signed_in.get(reverse("patient_accesses"))
            return len(captured)

        for member in (coordinator, manager):
            self.log(member)
        few = queries()
        for _ in range(10):
            self.log(coordinator, covering_for=manager)
        assert queries() == few <= 12
