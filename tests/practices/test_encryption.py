import base64
import os
import subprocess
import sys
from datetime import date
from functools import partial
from urllib.parse import quote

import pytest
from django.conf import settings
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from contacts.models import Referral
from practices.encryption import KeysRefused, blind_index, decrypt, encrypt, verify_keys
from practices.isolation import practice_scope
from practices.models import EncryptionKey
from tests import make
from tests.practices.keys import give_keys

OTHER_KEY = base64.b64encode(bytes(range(64))).decode()
OTHER_INDEX_KEY = base64.b64encode(bytes(range(32))).decode()


@pytest.fixture
def keys(settings):
    """Set keys as an environment would."""
    return partial(give_keys, settings)


texts = st.text(st.characters(exclude_categories=["Cs"]))


@given(text=texts, practice=st.integers(1, 2**40), field=st.sampled_from(["a.b", "c.d"]))
def test_what_was_encrypted_reads_the_same(text, practice, field):
    assert (
        decrypt(encrypt(text, practice_id=practice, field=field), practice_id=practice, field=field) == text
    )


@given(text=texts.filter(lambda text: len(text) > 3))
def test_the_ciphertext_does_not_hold_the_text(text):
    assert text.encode() not in encrypt(text, practice_id=1, field="a.b")


@pytest.mark.parametrize("place", [{"practice_id": 2, "field": "a.b"}, {"practice_id": 1, "field": "a.c"}])
def test_a_ciphertext_moved_elsewhere_does_not_open(place):
    stored = encrypt("Testperson", practice_id=1, field="a.b")
    with pytest.raises(KeysRefused):
        decrypt(stored, **place)


def test_a_changed_ciphertext_does_not_open():
    stored = bytearray(encrypt("Testperson", practice_id=1, field="a.b"))
    stored[-1] ^= 1
    with pytest.raises(KeysRefused):
        decrypt(bytes(stored), practice_id=1, field="a.b")


def test_the_first_key_writes_and_every_key_reads(keys):
    old = settings.PATIENT_DATA_KEYS
    stored = encrypt("Testperson", practice_id=1, field="a.b")
    keys([f"new:{OTHER_KEY}", *old])
    assert decrypt(stored, practice_id=1, field="a.b") == "Testperson"
    assert encrypt("Testperson", practice_id=1, field="a.b").startswith(b"new:")
    keys([f"new:{OTHER_KEY}"])
    with pytest.raises(KeysRefused):
        decrypt(stored, practice_id=1, field="a.b")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("García", "1950-03-01"), ("GARCIA", "1950-03-01")),
        (("O’Brien", "J"), ("o'brien", "j")),
        (("Nguyễn", "x"), ("Nguyen", "x")),
        (("Smith-Jones ", "x"), ("smithjones", "x")),
        (("Ｓｍｉｔｈ", "x"), ("Smith", "x")),
        (("Groß", "x"), ("GROSS", "x")),
    ],
)
def test_a_blind_index_forgives_how_a_name_is_spelt(one, other):
    assert blind_index("name", *one, practice_id=1) == blind_index("name", *other, practice_id=1)


def test_a_blind_index_tells_practices_kinds_and_parts_apart():
    indexes = {
        blind_index("name", "ab", "c", practice_id=1),
        blind_index("name", "a", "bc", practice_id=1),
        blind_index("name", "ab", "c", practice_id=2),
        blind_index("chart", "ab", "c", practice_id=1),
    }
    assert len(indexes) == 4
    assert blind_index("name", "ab", " - ", practice_id=1) is None


@pytest.mark.django_db
def test_a_patient_is_ciphertext_in_the_database_and_clear_on_the_page():
    practice = make.practice()
    manager = make.member("manager", practice)
    with practice_scope(practice):
        made = make.referral(
            by=manager, patient_family_name="Zebrowski", patient_born_on=date(1950, 3, 1), reason="murmur"
        )
        with connection.cursor() as cursor:
            cursor.execute("SELECT contacts_referral::text FROM contacts_referral WHERE id = %s", [made.pk])
            stored = cursor.fetchone()[0]
        assert b"Zebrowski".hex() not in stored
        assert b"murmur".hex() not in stored
        found = Referral.objects.get(pk=made.pk)
        assert (found.patient_family_name, found.patient_born_on) == ("Zebrowski", date(1950, 3, 1))
        with pytest.raises(TypeError, match="encrypted"):
            Referral.objects.filter(patient_family_name="Zebrowski").exists()


@pytest.mark.django_db
class TestAStart:
    def test_with_the_right_keys_goes_on(self):
        verify_keys()
        verify_keys()

    def test_with_an_additional_key_notes_it(self, keys):
        keys([*settings.PATIENT_DATA_KEYS, f"second:{OTHER_KEY}"])
        verify_keys()
        assert EncryptionKey.objects.filter(key_id="second").exists()

    def test_with_a_wrong_key_is_refused_before_anything_is_written(self, keys):
        before = list(EncryptionKey.objects.values_list("key_id", "check_value"))
        wrong = [f"{pair.partition(':')[0]}:{OTHER_KEY}" for pair in settings.PATIENT_DATA_KEYS]
        keys([*wrong, f"third:{OTHER_KEY}"])
        with pytest.raises(KeysRefused, match="not the keys"):
            verify_keys()
        assert list(EncryptionKey.objects.values_list("key_id", "check_value")) == before

    def test_without_a_key_that_data_was_written_under_is_refused(self, keys):
        keys([f"another:{OTHER_KEY}"])
        with pytest.raises(KeysRefused, match="were not given"):
            verify_keys()

    def test_with_another_blind_index_key_is_refused(self, keys):
        keys(index=OTHER_INDEX_KEY)
        with pytest.raises(KeysRefused, match="blind-index"):
            verify_keys()

    @pytest.mark.parametrize("malformed", [[], ["k1"], ["k1:not base64!"], ["k1:c2hvcnQ="]])
    def test_with_malformed_keys_is_refused(self, keys, malformed):
        keys(malformed)
        with pytest.raises(KeysRefused, match="PATIENT_DATA_KEYS"):
            verify_keys()

    def test_with_a_short_blind_index_key_is_refused(self, keys):
        keys(index="c2hvcnQ=")
        with pytest.raises(KeysRefused, match="BLIND_INDEX_KEY"):
            verify_keys()

    @pytest.mark.parametrize("door", ["referralcrm.wsgi"])
    def test_of_the_web_server_with_a_wrong_key_is_refused(self, door):
        database = settings.APP_DATABASE
        user, password = quote(database["USER"]), quote(database.get("PASSWORD") or "")
        host, port = quote(str(database["HOST"]), safe=""), database.get("PORT") or ""
        url = f"postgresql://{user}:{password}@{host}{f':{port}' if port else ''}/{connection.settings_dict['NAME']}"
        done = subprocess.run(
            [sys.executable, "-c", f"import {door}"],
            env={**os.environ, "DATABASE_URL": url, "BLIND_INDEX_KEY": OTHER_INDEX_KEY},
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert done.returncode != 0
        assert "not the keys this database was written with: blind-index" in done.stderr
