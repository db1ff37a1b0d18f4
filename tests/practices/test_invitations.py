"""A seat by link: unguessable, once, within seven days."""

import re
import threading
from datetime import timedelta
from uuid import uuid4

import pytest
import time_machine
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from contacts.models import Specialty
from practices.invitations import accept, invite, send_again, withdraw
from practices.isolation import practice_scope
from practices.models import Invitation, LinkToken, Member, OutboxEnvelope, Practice, User
from tests import make

PASSWORD = "seven lanterns by the sea"
# Another address each run: failed sign-ins are counted in the cache, which outlives one.
NIA = f"nia{uuid4().hex[:8]}@example.test"
GONE = "This invitation is no longer open"


@pytest.fixture
def practice(db):
    return make.practice()


@pytest.fixture
def manager(practice):
    return make.member("manager", practice)


def invited(manager: Member, *, email: str = NIA, role: str = "coordinator") -> tuple[Invitation, str]:
    with practice_scope(manager.practice_id):
        invitation = Invitation(email=email, name="Nia Brandt", role=role)
        link = invite(invitation, by=manager, now=timezone.now())
    return invitation, link.removeprefix(settings.SITE_URL)


def take(client, link: str, **fields: str):
    typed = {"name": "Nia Brandt", "password": PASSWORD, "password_again": PASSWORD}
    return client.post(link, {**typed, **fields})


def seats_in(practice: Practice) -> set[tuple[str, str]]:
    with practice_scope(practice):
        return set(Member.objects.values_list("user__email", "role"))


def test_a_new_person_chooses_a_password_and_is_signed_in(client, manager, practice):
    _, link = invited(manager)
    page = client.get(link).content.decode()
    assert practice.name in page
    assert NIA in page
    answer = take(client, link)
    assert (answer.status_code, answer.url) == (302, "/")
    assert client.get("/").status_code == 200
    assert (NIA, "coordinator") in seats_in(practice)
    user = User.objects.get(email=NIA)
    assert user.password.startswith("argon2")
    assert user.check_password(PASSWORD)


def test_a_link_works_once(client, manager):
    _, link = invited(manager)
    take(client, link)
    client.logout()
    answer = take(client, link, password="another long password", password_again="another long password")
    assert (answer.status_code, GONE in answer.content.decode()) == (404, True)
    assert User.objects.get(email=NIA).check_password(PASSWORD)


def test_used_expired_withdrawn_replaced_and_forged_links_look_alike(client, manager, practice):
    _, used = invited(manager, email="used@example.test")
    take(client, used)
    client.logout()
    withdrawn_invitation, withdrawn = invited(manager, email="withdrawn@example.test")
    replaced_invitation, replaced = invited(manager, email="replaced@example.test")
    with practice_scope(practice):
        withdraw(withdrawn_invitation, now=timezone.now())
        send_again(replaced_invitation, now=timezone.now())
    with time_machine.travel(timezone.now() - timedelta(days=7, minutes=1)):
        _, expired = invited(manager, email="expired@example.test")
    forged = reverse("invitation", args=["x" * 43])
    answers = [client.get(link) for link in (used, withdrawn, replaced, expired, forged)]
    assert {answer.status_code for answer in answers} == {404}
    assert len({without_tokens(answer) for answer in answers}) == 1


def without_tokens(answer) -> str:
    return re.sub(r'value="[^"]*"', "", answer.content.decode())


def test_a_link_sent_again_works(client, manager, practice):
    invitation, _ = invited(manager)
    with practice_scope(practice):
        link = send_again(invitation, now=timezone.now()).removeprefix(settings.SITE_URL)
    assert take(client, link).status_code == 302


def test_the_token_is_kept_as_a_hash_alone(manager):
    _, link = invited(manager)
    token = link.strip("/").rpartition("/")[2]
    assert len(token) == 43
    kept = LinkToken.objects.get()
    assert token.encode() not in bytes(kept.token_hash)
    with connection.cursor() as cursor:
        for table in ("practices_linktoken", "practices_outboxenvelope", "practices_invitation"):
            cursor.execute(f"SELECT count(*) FROM {table} t WHERE t::text LIKE %s", [f"%{token}%"])
            assert cursor.fetchone() == (0,)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"password": "short", "password_again": "short"}, "too short"),
        ({"password": NIA, "password_again": NIA}, "too similar"),
        ({"password": "123456789123", "password_again": "123456789123"}, "too common"),
        ({"password_again": "something else"}, "differs from the first"),
        ({"name": ""}, "required"),
    ],
)
def test_a_weak_or_mistyped_password_is_refused(client, manager, practice, fields, said):
    _, link = invited(manager)
    answer = take(client, link, **fields)
    assert (answer.status_code, said in answer.content.decode()) == (422, True)
    assert not User.objects.filter(email=NIA).exists()


def test_an_address_with_an_account_needs_that_accounts_password(client, manager, practice):
    make.member("physician", make.practice("Elsewhere"), email=NIA)
    _, link = invited(manager, role="liaison")
    assert "has an account already" in " ".join(client.get(link).content.decode().split())
    answer = client.post(link, {"password": "wrong password here"})
    assert (answer.status_code, "not the password" in answer.content.decode()) == (422, True)
    assert client.post(link, {"password": make.PASSWORD}).url == "/"
    assert (NIA, "liaison") in seats_in(practice)
    assert client.get("/").context["member"].practice == practice


def test_guessing_an_accounts_password_by_a_link_is_slowed(client, manager):
    user = make.member("physician", make.practice("Elsewhere")).user
    _, link = invited(manager, email=user.email)
    network = f"10.{user.pk % 250}.{uuid4().int % 250}.1"
    for _ in range(15):
        answer = client.post(link, {"password": "wrong password here"}, REMOTE_ADDR=network)
    assert "Too many tries" in answer.content.decode()


def test_who_is_signed_in_is_asked_to_sign_out_first(client, manager, practice):
    _, link = invited(manager)
    client.force_login(manager.user)
    answer = take(client, link)
    assert "Sign out first" in answer.content.decode()
    assert not User.objects.filter(email=NIA).exists()
    answer = client.post(reverse("account_logout"), {"next": link})
    assert answer.url == link


def test_an_invitation_to_another_practice_opens_while_signed_in_here(client, manager):
    stranger = make.member("manager", make.practice("Elsewhere"))
    _, link = invited(manager)
    client.force_login(stranger.user)
    assert client.get(link).status_code == 200


def test_an_old_invitation_does_not_change_a_seat_that_is_open(client, manager, practice):
    _, link = invited(manager, email=manager.user.email, role="liaison")
    client.post(link, {"password": make.PASSWORD})
    assert (manager.user.email, "manager") in seats_in(practice)


def test_who_had_left_takes_their_old_seat_in_the_new_role(client, manager, practice):
    physician = make.member("physician", practice, email=NIA, left_at=timezone.now())
    _, link = invited(manager, role="liaison")
    client.post(link, {"password": make.PASSWORD})
    with practice_scope(practice):
        seat = Member.objects.get(user=physician.user)
    assert (seat.pk, seat.role, seat.left_at) == (physician.pk, "liaison", None)


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_once_take_one_seat():
    practice = make.practice()
    _, link = invited(make.member("manager", practice))
    token = link.strip("/").rpartition("/")[2]
    users = [User.objects.create(email=f"user{n}@example.test", name="Nia") for n in range(2)]
    seated = []

    def press(user: User) -> None:
        seated.append(accept(token, user=user, now=timezone.now()))
        connection.close()

    threads = [threading.Thread(target=press, args=[user]) for user in users]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(seat is None for seat in seated) == [False, True]


class TestTheManager:
    @pytest.fixture
    def signed_in(self, client, manager):
        client.force_login(manager.user)
        return client

    def test_invites_and_can_copy_the_link_once(self, signed_in, practice):
        form = {"name": "Nia Brandt", "email": NIA.title(), "role": "physician", "credentials": "MD"}
        answer = signed_in.post(reverse("members"), form)
        link = re.search(rf">({re.escape(settings.SITE_URL)}/invitation/[^<]+)<", answer.content.decode())[1]
        assert answer["Cache-Control"] == "no-store"
        envelope = OutboxEnvelope.objects.get()
        assert (envelope.recipient, envelope.practice) == (NIA, practice)
        assert link in envelope.text
        assert practice.name in envelope.subject
        again = signed_in.get(reverse("members")).content.decode()
        assert NIA in again
        assert link not in again

    def test_is_told_of_an_address_that_has_a_seat_or_an_invitation(self, signed_in, manager):
        invited(manager)
        for email, said in (
            (manager.user.email, "has a seat already"),
            (NIA.upper(), "invited already"),
        ):
            answer = signed_in.post(reverse("members"), {"name": "Nia", "email": email, "role": "liaison"})
            assert (answer.status_code, said in answer.content.decode()) == (422, True)

    def test_sends_again_and_withdraws(self, signed_in, manager, client):
        invitation, first = invited(manager)
        answer = signed_in.post(reverse("invitation_send_again", args=[invitation.pk]))
        second = re.search(r"/invitation/[\w-]+/", answer.content.decode())[0]
        assert second != first
        signed_in.post(reverse("invitation_withdraw", args=[invitation.pk]))
        assert NIA not in signed_in.get(reverse("members")).content.decode()
        client.logout()
        assert client.get(second).status_code == 404


class TestANewInstallation:
    ARGUMENTS = {
        "name": "Harbor Cardiology",
        "time_zone": "America/Chicago",
        "manager_email": "mara@example.test",
        "manager_name": "Mara Voss",
    }

    def test_starts_with_a_practice_its_specialties_and_a_link(self, db, client, capsys):
        call_command("create_practice", **self.ARGUMENTS)
        link = re.search(r"/invitation/[\w-]+/", capsys.readouterr().out)[0]
        assert take(client, link, name="Mara Voss").url == "/"
        practice = Practice.objects.get()
        assert (practice.name, practice.time_zone) == ("Harbor Cardiology", "America/Chicago")
        assert seats_in(practice) == {("mara@example.test", "manager")}
        with practice_scope(practice):
            assert Specialty.objects.exists()

    @pytest.mark.parametrize(
        ("wrong", "said"),
        [({"time_zone": "Chicago"}, "not a time zone"), ({"manager_email": "mara"}, "valid email")],
    )
    def test_refuses_what_cannot_be_and_writes_nothing(self, db, wrong, said):
        with pytest.raises(CommandError, match=said):
            call_command("create_practice", **{**self.ARGUMENTS, **wrong})
        assert not Practice.objects.exists()
