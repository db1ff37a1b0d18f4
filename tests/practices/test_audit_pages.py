"""The pages of the audit trail: sentences, filters, a row's story, the file, the sign-ins."""

import csv
import io
from datetime import timedelta

import pytest
import time_machine
from allauth.mfa import signals as mfa
from django.db import connection
from django.test import RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from contacts.models import Provider
from practices.isolation import because, practice_scope
from practices.models import AuditEntry, Location, PatientAccess, Practice, SignInEvent
from practices.patient_access import record_access
from practices.roles import Role
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def practice() -> Practice:
    return make.practice()


@pytest.fixture
def manager(practice):
    return make.member(Role.MANAGER, practice, name="Mara Voss")


@pytest.fixture
def desk(client, manager):
    client.force_login(manager.user)
    return client


def text_of(answer) -> str:
    return " ".join(answer.content.decode().split())


def sentences(answer) -> list[str]:
    return [line.sentence for line in answer.context["lines"]]


def changed_by_form(desk, practice) -> Provider:
    """A provider whose tier and liaison are changed on their page."""
    with practice_scope(practice):
        provider = make.provider("Okafor", given_name="Ngozi", tier="B")
    form = desk.get(reverse("provider_edit", args=[provider.pk])).context["form"]
    values = {name: form[name].value() for name in form.fields}
    values = {name: value for name, value in values.items() if value not in (None, [], False)}
    answer = desk.post(reverse("provider_edit", args=[provider.pk]), {**values, "tier": "A"})
    assert answer.status_code == 302, answer.context["form"].errors
    return provider


class TestSentences:
    def test_say_who_changed_what_of_whom_from_what_to_what(self, desk, practice, manager):
        provider = changed_by_form(desk, practice)
        page = desk.get(reverse("audit_trail"), {"what": "contacts_provider"})
        assert sentences(page)[0] == "Mara Voss changed the tier of the provider Ngozi Okafor from B to A."
        entry = page.context["lines"][0].entry
        assert (entry.row_id, entry.member_id, entry.address) == (provider.pk, manager.pk, "127.0.0.1")
        assert entry.through == "provider_edit"
        assert len(entry.request_id) == 32

    def test_name_people_and_choices_and_say_nothing_for_nothing(self, desk, practice, manager):
        with practice_scope(practice):
            office = make.office("Lakeside")
            office.liaison = manager
            office.save()
            provider = make.provider("Okafor", given_name="Ngozi")
            provider.state = Provider.State.DO_NOT_CONTACT
            provider.save()
        found = sentences(desk.get(reverse("audit_trail")))
        assert found[:3] == [
            "Somebody at the database changed the state of the provider Ngozi Okafor from active to do not contact.",
            "Somebody at the database added the provider Ngozi Okafor.",
            "Somebody at the database changed the liaison of the office Lakeside from nothing to Mara Voss.",
        ]

    def test_never_show_what_a_patients_column_held(self, desk, practice, manager):
        with practice_scope(practice):
            referral = make.referral(by=manager)
            referral.patient_family_name = "Hidden"
            referral.save()
        page = desk.get(reverse("audit_trail"), {"what": "contacts_referral"})
        assert "Somebody at the database changed the family name of referral" in sentences(page)[0]
        assert "Hidden" not in text_of(page) and "Testperson" not in text_of(page)

    def test_of_what_was_removed_say_the_name_it_had(self, desk, practice):
        with practice_scope(practice):
            Location.objects.create(name="Elm Street")
            Location.objects.all().delete()
        assert "Somebody at the database removed the location Elm Street." in sentences(
            desk.get(reverse("audit_trail"))
        )

    def test_of_many_at_once_say_how_many_and_why(self, desk, practice):
        with practice_scope(practice), because("import 7"):
            Location.objects.bulk_create([Location(name=f"Site {number}") for number in range(3)])
        page = desk.get(reverse("audit_trail"))
        assert sentences(page)[0] == "Somebody at the database added 3 locations."
        assert "import 7" in text_of(page)


class TestFilters:
    def test_by_member_kind_act_and_day(self, desk, practice, manager):
        changed_by_form(desk, practice)
        everything = desk.get(reverse("audit_trail"))
        theirs = desk.get(reverse("audit_trail"), {"member": manager.pk})
        assert 0 < len(theirs.context["lines"]) < len(everything.context["lines"])
        assert {line.entry.member_id for line in theirs.context["lines"]} == {manager.pk}
        nobodys = desk.get(reverse("audit_trail"), {"member": "0"})
        assert {line.entry.member_id for line in nobodys.context["lines"]} == {None}
        added = desk.get(reverse("audit_trail"), {"what": "contacts_provider", "operation": "insert"})
        assert sentences(added) == ["Somebody at the database added the provider Ngozi Okafor."]
        assert sentences(desk.get(reverse("audit_trail"), {"until": "2020-01-01"})) == []

    def test_of_nonsense_show_everything(self, desk, practice):
        changed_by_form(desk, practice)
        wish = {
            "member": "x",
            "what": "pg_class",
            "operation": "drop",
            "since": "soon",
            "row": "-1",
            "after": "~",
        }
        assert len(sentences(desk.get(reverse("audit_trail"), wish))) > 2

    def test_a_rows_story_has_its_beginning_among_many(self, desk, practice):
        with practice_scope(practice):
            sites = Location.objects.bulk_create([Location(name=f"Site {number}") for number in range(5)])
            sites[2].phone = "555-0100"
            sites[2].save()
        story = desk.get(reverse("audit_trail"), {"what": "practices_location", "row": sites[2].pk})
        assert [line.entry.operation for line in story.context["lines"]] == ["update", "insert"]
        assert "What became of location Site 2" in text_of(story)
        other = desk.get(reverse("audit_trail"), {"what": "practices_location", "row": sites[4].pk + 1})
        assert sentences(other) == []

    @pytest.mark.parametrize("name", ["provider", "office", "referral", "member_edit"])
    def test_a_managers_page_of_a_row_leads_to_its_story(self, desk, practice, manager, name):
        with practice_scope(practice):
            row = {
                "provider": make.provider,
                "office": make.office,
                "referral": lambda: make.referral(by=manager),
                "member_edit": lambda: manager,
            }[name]()
        page = text_of(desk.get(reverse(name, args=[row.pk])))
        assert f"{reverse('audit_trail')}?what={row._meta.db_table}&amp;row={row.pk}" in page

    def test_nobody_else_is_led_there(self, client, practice):
        liaison = make.member(Role.LIAISON, practice)
        client.force_login(liaison.user)
        with practice_scope(practice):
            provider, office = make.provider(), make.office()
        for name, row in (("provider", provider), ("office", office)):
            assert reverse("audit_trail") not in text_of(client.get(reverse(name, args=[row.pk])))


class TestCost:
    def test_is_the_same_for_twice_the_rows(self, desk, practice):
        def made(number: int) -> None:
            with practice_scope(practice):
                for _ in range(number):
                    provider = make.provider()
                    provider.tier = "A"
                    provider.save()

        def queries() -> int:
            with CaptureQueriesContext(connection) as captured:
                desk.get(reverse("audit_trail"))
            return len(captured)

        made(10)
        few = queries()
        made(10)
        assert queries() == few <= 12


class TestExport:
    def test_holds_every_entry_and_no_formula_and_is_an_entry_itself(self, desk, practice, manager):
        with practice_scope(practice):
            Location.objects.create(name='=HYPERLINK("http://evil.example")')
            Location.objects.update(city="+1")
            count = AuditEntry.objects.count()
        answer = desk.get(reverse("audit_trail_exported"))
        lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        assert len(lines) == count + 2  # the header, and that it was taken away
        assert not [cell for line in lines for cell in line if cell.startswith(("=", "+", "-", "@"))]
        with practice_scope(practice):
            last = AuditEntry.objects.order_by("id").last()
        assert (last.operation, last.rows, last.member_id) == ("export", count, manager.pk)
        assert (
            sentences(desk.get(reverse("audit_trail")))[0]
            == f"Mara Voss took {count} audit entries away as a file."
        )

    def test_keeps_to_what_was_asked_for(self, desk, practice):
        changed_by_form(desk, practice)
        page = desk.get(reverse("audit_trail"), {"what": "contacts_provider", "operation": "update"})
        answer = desk.get(page.context["export_url"])
        lines = list(csv.reader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        assert {line[8] for line in lines[1:]} == {"update"}
        assert {line[9] for line in lines[1:]} == {"contacts_provider"}


class TestOtherLogsAsFiles:
    @pytest.fixture
    def written(self, practice, manager):
        """Lines of two members in both logs, of which one is called a formula."""
        other = make.member(Role.PHYSICIAN, practice, name="=Ana()")
        with practice_scope(practice):
            for member, count in ((manager, 1), (other, 2)):
                for _ in range(count):
                    seen = {"member": member, "address": "203.0.113.9", "request_id": "one-request"}
                    PatientAccess.objects.create(act="viewed", page="-x", referral_ids=[7, 9], **seen)
                    SignInEvent.objects.create(act="signed_in", browser="+x", **seen)
        return other

    @pytest.mark.parametrize(
        ("page", "table", "called"),
        [
            ("patient_accesses", "practices_patientaccess", "patient accesses"),
            ("sign_ins", "practices_signinevent", "sign in events"),
        ],
    )
    def test_hold_what_was_asked_for_and_no_formula_and_are_an_entry(
        self, desk, practice, manager, written, page, table, called
    ):
        shown = desk.get(reverse(page), {"member": written.pk})
        answer = desk.get(shown.context["export_url"])
        lines = list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode("utf-8-sig"))))
        assert [line["Member"] for line in lines] == [str(written.pk)] * 2
        assert {line["Name"] for line in lines} == {"'=Ana()"}
        assert {(line["Address"], line["Request"]) for line in lines} == {("203.0.113.9", "one-request")}
        assert not [cell for line in lines for cell in line.values() if cell.startswith(("=", "+", "-", "@"))]
        with practice_scope(practice):
            last = AuditEntry.objects.filter(operation="export").get()
        assert (last.table_name, last.rows, last.member_id) == (table, 2, manager.pk)
        told = sentences(desk.get(reverse("audit_trail"), {"operation": "export"}))
        assert told == [f"Mara Voss took 2 {called} away as a file."]

    def test_of_one_patient_is_of_the_days_that_the_page_names(self, desk, practice, manager, written):
        with time_machine.travel(make.NOW - timedelta(days=500), tick=False), practice_scope(practice):
            record_access(manager, act=PatientAccess.Act.VIEWED, page="old", referral_ids=[7])
        url = desk.get(reverse("patient_accesses"), {"referral": 7}).context["export_url"]
        lines = list(
            csv.DictReader(io.StringIO(b"".join(desk.get(url).streaming_content).decode("utf-8-sig")))
        )
        assert [line["Referrals"] for line in lines] == ["7 9"] * 3


class TestWhoSawPatients:
    def test_says_from_which_address_and_in_which_request(self, desk, practice, manager):
        with practice_scope(practice):
            referral = make.referral(by=manager)
        seen = desk.get(reverse("referral", args=[referral.pk]), REMOTE_ADDR="203.0.113.9")
        with practice_scope(practice):
            access = PatientAccess.objects.get()
        assert (access.address, access.request_id) == ("203.0.113.9", seen["X-Request-ID"])
        page = text_of(desk.get(reverse("patient_accesses")))
        assert "203.0.113.9" in page and access.request_id in page

    @pytest.fixture
    def looked(self, practice, manager):
        """Writes one look at these referrals and return referrals, so many days ago."""

        def look(ids=(), return_ids=(), *, days: int = 0, page: str = "referral") -> None:
            moment = make.NOW - timedelta(days=days)
            with time_machine.travel(moment, tick=False), practice_scope(practice):
                seen = {"referral_ids": ids, "return_referral_ids": return_ids}
                record_access(manager, act=PatientAccess.Act.VIEWED, page=page, **seen)

        return look

    def pages(self, desk, **wish) -> list[str]:
        with time_machine.travel(make.NOW, tick=False):
            answer = desk.get(reverse("patient_accesses"), wish)
        return [row.page for row in answer.context["page"].rows]

    def test_are_found_by_referral_and_return_referral(self, desk, looked):
        looked([1, 7], page="list")
        looked([8], page="another")
        looked([], [7], page="returned")
        assert self.pages(desk, referral=7) == ["list"]
        assert self.pages(desk, return_referral=7) == ["returned"]
        assert self.pages(desk, referral=8, return_referral=7) == ["returned", "another"]
        assert self.pages(desk, referral=9) == []
        assert self.pages(desk, referral="x") == ["returned", "another", "list"]

    def test_of_one_patient_are_looked_for_in_a_year_at_most_and_the_page_says_which(self, desk, looked):
        for days in (0, 300, 400, 700):
            looked([7], days=days, page=f"{days} days ago")
        assert self.pages(desk, referral=7) == ["0 days ago", "300 days ago"]
        assert self.pages(desk, referral=7, since="2020-01-01") == ["0 days ago", "300 days ago"]
        earlier = {"referral": 7, "until": make.NOW.date() - timedelta(days=366)}
        assert self.pages(desk, **earlier) == ["400 days ago", "700 days ago"]
        assert len(self.pages(desk)) == 4
        with time_machine.travel(make.NOW, tick=False):
            said = text_of(desk.get(reverse("patient_accesses"), {"referral": 7}))
        assert "Who looked at this patient from Nov 17, 2025 to Nov 18, 2026." in said

    def test_a_managers_page_of_a_patient_leads_there(self, desk, client, practice, manager):
        with practice_scope(practice):
            referral, sent = make.referral(by=manager), make.return_referral(by=manager)
        for name, row, wish in (
            ("referral", referral, "referral"),
            ("return_referral", sent, "return_referral"),
        ):
            page = text_of(desk.get(reverse(name, args=[row.pk])))
            assert f"{reverse('patient_accesses')}?{wish}={row.pk}" in page
        client.force_login(make.member(Role.COORDINATOR, practice).user)
        for name, row in (("referral", referral), ("return_referral", sent)):
            assert reverse("patient_accesses") not in text_of(client.get(reverse(name, args=[row.pk])))


class TestSignIns:
    def sign_in(self, client, email: str, password: str = make.PASSWORD):
        return client.post(
            reverse("account_login"),
            {"login": email, "password": password},
            HTTP_USER_AGENT="Test Browser",
            REMOTE_ADDR="203.0.113.9",
        )

    def acts(self, practice) -> list[str]:
        with practice_scope(practice):
            return list(SignInEvent.objects.order_by("id").values_list("act", flat=True))

    def test_ways_in_and_out_are_written_down_wherever_one_sits(self, client, practice, manager):
        other = make.practice("Elsewhere")
        with practice_scope(other):
            other_seat = type(manager).objects.create(user=manager.user, role=Role.LIAISON)
        self.sign_in(client, manager.user.email)
        client.post(reverse("account_logout"))
        assert self.acts(practice) == self.acts(other) == ["signed_in", "signed_out"]
        with practice_scope(other):
            event = SignInEvent.objects.first()
            assert (event.member_id, event.address, event.browser) == (other_seat.pk, "127.0.0.1", "")

    def test_a_refusal_says_whence_and_a_stranger_is_nobodys(self, client, practice, manager):
        self.sign_in(client, manager.user.email, "a wrong password")
        self.sign_in(client, "nobody@example.test", "a wrong password")
        assert self.acts(practice) == ["wrong_password"]
        with practice_scope(practice):
            event = SignInEvent.objects.get()
        assert (event.member_id, event.address, event.browser) == (manager.pk, "203.0.113.9", "Test Browser")

    def test_who_has_left_leaves_no_line(self, client, practice, manager):
        with practice_scope(practice):
            manager.left_at = make.NOW
            manager.save()
        self.sign_in(client, manager.user.email, "a wrong password")
        assert self.acts(practice) == []

    def test_are_shown_and_filtered(self, desk, practice, manager):
        colleague = make.member(Role.PHYSICIAN, practice, name="Ana Reyes")
        with practice_scope(practice):
            for act in ("signed_in", "wrong_password"):
                shown = {"address": "203.0.113.9", "request_id": "numbered-by-proxy"}
                SignInEvent.objects.create(member=colleague, act=act, **shown)
        page = text_of(desk.get(reverse("sign_ins")))
        assert "Ana Reyes" in page and "Refused: wrong password" in page
        assert "203.0.113.9" in page and "numbered-by-proxy" in page
        only = desk.get(reverse("sign_ins"), {"act": "wrong_password", "member": colleague.pk})
        assert [row.act for row in only.context["page"].rows] == ["wrong_password"]

    def test_what_a_manager_does_to_anothers_sign_in_names_the_manager(self, desk, practice, manager):
        colleague = make.member(Role.PHYSICIAN, practice, name="Ana Reyes")
        elsewhere = make.practice("Elsewhere")
        with practice_scope(elsewhere):
            type(manager).objects.create(user=colleague.user, role=Role.PHYSICIAN)
        assert desk.post(reverse("member_sign_out", args=[colleague.pk])).status_code == 302
        assert "by Mara Voss" in text_of(desk.get(reverse("sign_ins"), {"member": colleague.pk}))
        with practice_scope(elsewhere):
            (event,) = SignInEvent.objects.all()
            assert (event.act, event.by) == ("sessions_ended", None)

    def test_a_second_factor_added_mistyped_and_taken_away_is_written_down(self, client, practice, manager):
        request = RequestFactory().get("/", REMOTE_ADDR="203.0.113.9")
        seen = {"sender": None, "request": request, "user": manager.user, "authenticator": None}
        for signal in (mfa.authenticator_added, mfa.authentication_failed, mfa.authenticator_reset):
            signal.send(**seen)
        mfa.authenticator_removed.send(**{**seen, "request": None})
        acts = ["factor_added", "wrong_second_factor", "factor_renewed", "factor_removed"]
        assert self.acts(practice) == acts
        with practice_scope(practice):
            assert [event.address for event in SignInEvent.objects.order_by("id")] == ["203.0.113.9"] * 3 + [
                None
            ]
