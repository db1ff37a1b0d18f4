"""Seats: who may be what, who has left, and that a manager always remains."""

import threading
from datetime import timedelta

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from contacts.models import Referral
from practices.isolation import practice_scope
from practices.members import LastManager, change_seat, come_back, leave
from practices.models import Member, Session, User
from tests import make

NOW = make.NOW


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


def read_again(member: Member) -> Member:
    with practice_scope(member.practice_id):
        return Member.objects.get(pk=member.pk)


def test_the_last_manager_can_neither_leave_nor_become_something_else(manager, practice):
    gone = make.member("manager", practice)
    with practice_scope(practice):
        leave(gone, now=NOW)
        with pytest.raises(LastManager):
            leave(manager, now=NOW)
        with pytest.raises(LastManager):
            change_seat(manager, role="liaison", credentials="")
    assert (read_again(manager).role, read_again(manager).left_at) == ("manager", None)


def test_a_manager_beside_another_may_leave(manager, practice):
    make.member("manager", practice)
    with practice_scope(practice):
        leave(manager, now=NOW)
    assert read_again(manager).left_at == NOW


def test_a_manager_of_another_practice_does_not_count(manager, practice):
    make.member("manager", make.practice("Elsewhere"))
    with practice_scope(practice), pytest.raises(LastManager):
        leave(manager, now=NOW)


@pytest.mark.django_db(transaction=True)
def test_two_managers_who_dismiss_each_other_leave_one():
    practice = make.practice()
    pair = [make.member("manager", practice), make.member("manager", practice)]
    start, refused = threading.Barrier(2), []

    def dismiss(member: Member) -> None:
        try:
            with practice_scope(practice):
                start.wait(10)
                leave(member, now=NOW)
        except LastManager:
            refused.append(member)
        finally:
            connection.close()

    threads = [threading.Thread(target=dismiss, args=[member]) for member in pair]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 1
    assert [read_again(member).left_at for member in pair].count(None) == 1


def test_who_leaves_is_signed_out_at_once_and_nobody_else(manager, practice, client):
    physician = make.member("physician", practice)
    client.force_login(physician.user)
    assert client.get("/").status_code == 200
    other = type(client)()
    other.force_login(manager.user)
    with practice_scope(practice):
        leave(physician, now=NOW)
    answer = client.get("/")
    assert (answer.status_code, answer.url.split("?")[0]) == (302, reverse("account_login"))
    assert other.get("/").status_code == 200
    assert Session.objects.count() == 1


def test_who_has_left_signs_in_to_a_clear_page(manager, practice, client):
    physician = make.member("physician", practice)
    with practice_scope(practice):
        leave(physician, now=NOW)
    answer = client.post(
        reverse("account_login"), {"login": physician.user.email, "password": make.PASSWORD}, follow=True
    )
    assert answer.status_code == 403
    page = answer.content.decode()
    assert f"Your seat at {practice.name} was closed on Nov 18, 2026" in page
    assert 'action="/sign-out/"' in page


def test_who_never_had_a_seat_is_told_whom_to_ask(client, db):
    client.force_login(User.objects.create_user("nobody@example.org", name="Nobody"))
    assert "You have no seat in a practice. Ask your manager" in client.get("/").content.decode()


def test_who_comes_back_finds_their_seat(manager, practice, client):
    physician = make.member("physician", practice)
    with practice_scope(practice):
        leave(physician, now=NOW)
        come_back(physician)
    client.force_login(physician.user)
    assert client.get("/").status_code == 200


def test_a_physician_who_leaves_keeps_their_history(manager, practice):
    physician = make.member("physician", practice)
    with practice_scope(practice):
        referral = make.referral(by=manager, physician=physician)
        leave(physician, now=NOW)
        assert Referral.objects.get(pk=referral.pk).physician == physician
        assert physician not in Member.objects.physicians()


class TestPages:
    def test_list_seats_invitations_and_who_has_left(self, signed_in, practice):
        gone = make.member("liaison", practice, name="Gone Gray")
        with practice_scope(practice):
            leave(gone, now=NOW)
        page = signed_in.get(reverse("members")).content.decode()
        assert "One person has a seat" in " ".join(page.split())
        assert "Mara Voss" in page
        assert "Gone Gray" in page

    def test_change_a_role_and_credentials(self, signed_in, practice):
        seat = make.member("coordinator", practice)
        answer = signed_in.post(
            reverse("member_edit", args=[seat.pk]), {"role": "physician", "credentials": "MD"}
        )
        assert answer.url == reverse("members")
        assert (read_again(seat).role, read_again(seat).credentials) == ("physician", "MD")

    def test_say_why_the_last_manager_stays(self, signed_in, manager):
        answer = signed_in.post(reverse("member_edit", args=[manager.pk]), {"role": "liaison"})
        assert answer.status_code == 422
        assert "The practice needs a manager" in answer.content.decode()
        answer = signed_in.post(reverse("member_leave", args=[manager.pk]), follow=True)
        assert "The practice needs a manager" in answer.content.decode()
        assert read_again(manager).left_at is None

    def test_close_and_open_a_seat(self, signed_in, practice):
        seat = make.member("liaison", practice)
        signed_in.post(reverse("member_leave", args=[seat.pk]))
        assert timezone.now() - read_again(seat).left_at < timedelta(minutes=1)
        signed_in.post(reverse("member_return", args=[seat.pk]))
        assert read_again(seat).left_at is None
