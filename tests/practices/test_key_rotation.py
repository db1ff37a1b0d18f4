"""Rows are rewritten under the first key while people work, whatever interrupts it."""

import base64
import json
import threading
from contextlib import suppress
from datetime import date, timedelta
from functools import partial
from random import Random

import pytest
from allauth.mfa.models import Authenticator
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from django.apps import apps
from django.core.management import call_command
from django.db import connection, models
from hypothesis import HealthCheck, given
from hypothesis import settings as trying
from hypothesis import strategies as st

from contacts.forms.referrals import search_of
from contacts.models import Referral
from practices import key_ring, key_rotation
from practices.encryption import (
    BlindIndexField,
    EncryptedBytesField,
    EncryptedDateField,
    EncryptedTextField,
    KeysRefused,
    verify_keys,
)
from practices.isolation import practice_scope
from practices.key_rotation import OVERLAP, sealed_tables
from practices.models import Draft, EncryptionKey
from practices.outbox import queue_mail
from practices.second_factors import MfaAdapter
from tests import make
from tests.counts import examples
from tests.practices.any_row import any_row
from tests.practices.keys import give_keys, key_of

OLD, NEW = f"old:{key_of(1)}", f"new:{key_of(2)}"
OLD_INDEX, NEW_INDEX = key_of(3, length=32), f"i2:{key_of(4, length=32)}"
BORN = date(1950, 3, 1)
LONG_AFTER = make.NOW + OVERLAP + timedelta(minutes=1)


@pytest.fixture
def keys(settings):
    give = partial(give_keys, settings)
    give([OLD], OLD_INDEX)
    EncryptionKey.objects.all().delete()
    verify_keys()
    return give


@pytest.fixture
def practice(db, keys):
    return make.practice()


def change_keys(give, *, begin: bool = True) -> None:
    give([NEW, OLD], f"{NEW_INDEX},{OLD_INDEX}")
    verify_keys()
    if begin:
        key_rotation.begin(make.NOW)


def rewrite_all(practice) -> int:
    return key_rotation.rewrite(None) + key_rotation.rewrite(practice.pk)


def stored(sql: str, practice) -> list[tuple]:
    with practice_scope(practice), connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def fill(practice, model: type[models.Model]) -> models.Model:
    """A row with something in each encrypted column, those that may stay empty too."""
    person = {
        "family": "A",
        "given": "B",
        "middle": "",
        "npi": "",
        "office": "",
        "name": "Clear",
        "city": "Town",
    }
    values = {EncryptedTextField: json.dumps(person), EncryptedDateField: BORN, EncryptedBytesField: b"clear"}
    columns = model._meta.concrete_fields
    with practice_scope(practice):
        return any_row(model, practice, **{f.name: values[type(f)] for f in columns if type(f) in values})


def clear_values(row: models.Model, names: list[str], practice) -> list:
    with practice_scope(practice):
        found = type(row)._base_manager.get(pk=row.pk)
        return [getattr(found, name) for name in names]


@pytest.mark.parametrize("sealed", sealed_tables(), ids=lambda one: one.model._meta.label_lower)
def test_every_table_is_rewritten_and_reads_the_same_under_the_new_key_alone(sealed, practice, keys):
    if sealed.is_shared:
        row = queue_mail(to="a@example.test", subject="Hello", text="there", practice=practice, now=make.NOW)
    else:
        row = fill(practice, sealed.model)
    names = [field.name for field in sealed.texts]
    before = clear_values(row, names, practice)
    assert any(before) or not names
    change_keys(keys)
    assert rewrite_all(practice) > 0
    assert key_rotation.left(practice.pk) == key_rotation.left(None) == {}
    keys([NEW], NEW_INDEX)
    if sealed.model._base_manager.filter(pk=row.pk).exists() or sealed.texts:
        assert clear_values(row, names, practice) == before


def test_the_bytes_of_every_table_are_found_by_their_class():
    """Others would be passed over: hashes and checks are under no key that changes."""
    passed_over = {
        f"{model._meta.label_lower}.{field.name}"
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.get_internal_type() == "BinaryField"
        and not isinstance(field, EncryptedTextField | BlindIndexField)
    }
    hashes = {
        "practices.encryptionkey.check_value",
        "practices.linktoken.token_hash",
        "practices.guess.subject",
    }
    assert passed_over <= hashes


def test_second_factors_are_rewritten(practice, keys):
    user = make.member("manager", practice).user
    secret = MfaAdapter().encrypt("JBSWY3DPEHPK3PXP")
    made = Authenticator.objects.create(user=user, type="totp", data={"secret": secret, "kept": 1})
    change_keys(keys)
    assert key_rotation.left(None) == {"mfa_authenticator (texts)": 1}
    rewrite_all(practice)
    keys([NEW])
    made.refresh_from_db()
    assert made.data["secret"].startswith("new:")
    assert MfaAdapter().decrypt(made.data["secret"]) == "JBSWY3DPEHPK3PXP"
    assert made.data["kept"] == 1


def test_the_old_key_is_needed_until_no_row_is_under_it_and_not_after(practice, keys):
    fill(practice, Referral)
    change_keys(keys)
    keys([NEW], NEW_INDEX)
    with pytest.raises(KeysRefused, match="not given: blind-index, old"):
        verify_keys()
    keys([NEW, OLD], f"{NEW_INDEX},{OLD_INDEX}")
    assert key_rotation.retire(LONG_AFTER) == []
    rewrite_all(practice)
    assert key_rotation.retire(make.NOW + OVERLAP - timedelta(seconds=1)) == []
    assert sorted(key_rotation.retire(LONG_AFTER)) == ["blind-index", "old"]
    assert not key_rotation.is_under_way()
    verify_keys()  # it may stay
    keys([NEW], NEW_INDEX)
    verify_keys()
    keys([OLD, NEW])
    with pytest.raises(KeysRefused, match="retired, and writes no more: old"):
        verify_keys()


def test_a_row_written_under_the_old_key_meanwhile_keeps_it_from_being_retired(practice, keys):
    change_keys(keys)
    rewrite_all(practice)
    keys([OLD, NEW], f"{OLD_INDEX},{NEW_INDEX}")  # a process that has not heard of the new ones
    fill(practice, Draft)
    assert not key_rotation.is_under_way()  # and would not rewrite the other way
    keys([NEW, OLD], f"{NEW_INDEX},{OLD_INDEX}")
    assert key_rotation.retire(LONG_AFTER) == ["blind-index"]
    assert rewrite_all(practice) == 1
    assert key_rotation.retire(LONG_AFTER) == ["old"]


def test_nothing_begins_by_itself(practice, keys):
    change_keys(keys, begin=False)
    assert not key_rotation.is_under_way()
    call_command("rotate_keys")
    assert key_rotation.is_under_way()


def test_one_practice_after_another_and_no_others_rows(practice, keys):
    other = make.practice("Theirs")
    fill(practice, Draft), fill(other, Draft)
    change_keys(keys)
    key_rotation.rewrite(practice.pk)
    assert key_rotation.left(practice.pk) == {}
    assert key_rotation.left(other.pk) == {"practices_draft (texts)": 1}


@given(data=st.data())
@trying(
    max_examples=examples(3, full=30),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_interrupted_anywhere_it_goes_on_and_ends_whole(practice, keys, data, monkeypatch):
    keys([OLD], OLD_INDEX)
    words = data.draw(st.lists(st.text(st.characters(exclude_categories=["Cs"])), min_size=3, max_size=12))
    with practice_scope(practice):
        manager = make.member("manager", practice)
        made = [Draft.objects.create(member=manager, form=str(n), data=word) for n, word in enumerate(words)]
    change_keys(keys)
    with monkeypatch.context() as patch:
        patch.setattr(key_rotation, "BATCH", data.draw(st.integers(1, 4)))
        random, whole = Random(data.draw(st.integers(0, 999))), key_rotation.encrypt

        def dies_at_times(*args, **kwargs):
            if random.random() < 0.3:
                raise KeyboardInterrupt
            return whole(*args, **kwargs)

        patch.setattr(key_rotation, "encrypt", dies_at_times)
        for _ in range(4):
            with suppress(KeyboardInterrupt):
                key_rotation.rewrite(practice.pk)
    key_rotation.rewrite(practice.pk)
    assert key_rotation.left(practice.pk) == {}
    keys([NEW], NEW_INDEX)
    with practice_scope(practice):
        assert [Draft.objects.get(pk=row.pk).data for row in made] == words
        Draft.objects.all().delete()


class TestIndexes:
    def patient(self, practice):
        with practice_scope(practice):
            return make.referral(
                by=make.member("manager", practice),
                patient_family_name="Zebrowski",
                patient_given_name="Ada",
                patient_born_on=BORN,
                patient_chart_number="H77",
            )

    def found(self, practice, **values) -> list[int]:
        with practice_scope(practice):
            search = search_of(
                {f"patient_{name}": value for name, value in values.items()}, practice_id=practice.pk
            )
            return list(Referral.objects.of_patient(search).values_list("pk", flat=True))

    @pytest.mark.parametrize(
        "known",
        [
            {"family_name": "Zebrowski", "born_on": BORN},
            {"family_name": "Zebrowski", "given_name": "A"},
            {"chart_number": "H77"},
        ],
        ids=lambda known: "+".join(known),
    )
    def test_a_patient_is_found_before_during_and_after(self, practice, keys, known):
        pk = self.patient(practice).pk
        change_keys(keys)
        assert self.found(practice, **known) == [pk]
        rewrite_all(practice)
        assert self.found(practice, **known) == [pk]
        keys(index=NEW_INDEX)
        assert self.found(practice, **known) == [pk]

    def test_of_an_import_are_settled_first(self, practice, keys):
        pk = self.patient(practice).pk
        change_keys(keys)
        with practice_scope(practice):
            key_rotation.settle_indexes(practice.pk)
        indexes = stored(f"SELECT patient_chart_index FROM contacts_referral WHERE id = {pk}", practice)
        assert bytes(indexes[0][0]).startswith(b"i2:")
        assert key_rotation.left(practice.pk).keys() == {"contacts_referral (texts)"}


def test_a_running_process_hears_of_a_new_key_in_its_file(practice, keys, settings, tmp_path):
    file = tmp_path / "keys.env"
    file.write_text(f"PATIENT_DATA_KEYS={OLD}\n")
    settings.PATIENT_DATA_KEYS_FILE = str(file)
    assert list(key_ring.patient_data_keys()) == ["old"]
    file.write_text(f"OTHER=1\nPATIENT_DATA_KEYS={NEW},{OLD}\n")
    key_ring.look_again()
    assert list(key_ring.patient_data_keys()) == ["new", "old"]
    row = fill(practice, Draft)
    file.write_text("PATIENT_DATA_KEYS=half a ke")
    key_ring.look_again()
    assert list(key_ring.patient_data_keys()) == ["new", "old"]
    assert "Town" in clear_values(row, ["data"], practice)[0]


@pytest.mark.django_db(transaction=True)
def test_an_edit_made_meanwhile_wins(settings):
    give = partial(give_keys, settings)
    give([OLD], OLD_INDEX)
    EncryptionKey.objects.all().delete()
    verify_keys()
    practice = make.practice()
    with practice_scope(practice):
        manager = make.member("manager", practice)
        rows = [Draft.objects.create(member=manager, form=str(n), data="before") for n in range(60)]
    change_keys(give)
    said: dict[int, str] = {}
    errors: list[BaseException] = []

    def edit() -> None:
        """As a process that has not heard of the new key, so that there is always something to rewrite."""
        random, field = Random(5), Draft._meta.get_field("data")
        old = AESSIV(base64.b64decode(OLD.partition(":")[2]))
        try:
            for number in range(300):
                row, words = random.choice(rows), f"edit {number}"
                sealed = b"old:" + old.encrypt(
                    words.encode(), [str(practice.pk).encode(), field.label.encode()]
                )
                with practice_scope(practice), connection.cursor() as cursor:
                    cursor.execute("UPDATE practices_draft SET data = %s WHERE id = %s", [sealed, row.pk])
                said[row.pk] = words
        except BaseException as error:
            errors.append(error)
        finally:
            connection.close()

    thread = threading.Thread(target=edit)
    thread.start()
    done = 0
    while thread.is_alive():
        done += key_rotation.rewrite(practice.pk)
    thread.join()
    done += key_rotation.rewrite(practice.pk)
    assert errors == []
    assert done > len(rows)  # some were rewritten more than once: the two did meet
    assert key_rotation.left(practice.pk) == {}
    give([NEW], NEW_INDEX)
    with practice_scope(practice):
        found = dict(Draft.objects.values_list("pk", "data"))
    assert found == {row.pk: said.get(row.pk, "before") for row in rows}
