"""Two members who save one row at the same moment: compared with each other under the lock."""

import threading
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from contacts.models import Provider
from practices.isolation import practice_scope
from tests import make
from tests.filled_form import fields_of

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def scene():
    """Two managers, both with the provider's form open; its address, and who they are."""
    practice = make.practice()
    with practice_scope(practice):
        provider = make.provider("Okafor", phone="1", fax="1")
    clients = []
    for name in ("Ida Lee", "Mara Voss"):
        client = Client()
        client.force_login(make.member("manager", practice, name=name).user)
        clients.append(client)
    return practice, clients, reverse("provider_edit", args=[provider.pk])


def save_at_once(clients: list[Client], url: str, changes: list[dict[str, str]]) -> list[int]:
    """Each sends their own change of the page that all opened before anybody saved."""
    pages = [fields_of(client.get(url), having="phone") for client in clients]
    start, statuses = threading.Barrier(len(clients)), list[int]()

    def save(client: Client, fields: dict[str, Any]) -> None:
        try:
            start.wait(20)
            statuses.append(client.post(url, fields).status_code)
        finally:
            connection.close()

    threads = [
        threading.Thread(target=save, args=[client, {**page, **change}])
        for client, page, change in zip(clients, pages, changes, strict=True)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sorted(statuses)


def test_two_fields_at_once_are_both_kept(scene):
    practice, clients, url = scene
    assert save_at_once(clients, url, [{"phone": "2"}, {"fax": "3"}]) == [302, 302]
    with practice_scope(practice):
        assert Provider.objects.values_list("phone", "fax").get() == ("2", "3")


def test_of_one_field_at_once_one_is_saved_and_one_asked(scene):
    practice, clients, url = scene
    assert save_at_once(clients, url, [{"phone": "2"}, {"phone": "3"}]) == [302, 422]
    with practice_scope(practice):
        assert Provider.objects.get().phone in ("2", "3")
