"""Patients' values as they rest in the database: encrypted, with their blind indexes, many at a time."""

from contacts.models import Referral
from contacts.models.referrals import patient_indexes
from exchange.understanding import Understood
from practices.encryption import encryptor

CACHED = 20_000
Patient = tuple[bytes | None, ...]
Indexes = tuple[bytes | None, bytes | None, bytes | None]


class Sealer:
    """Encrypts for one practice. Equal values of a field have equal ciphertexts, so each is made once."""

    def __init__(self, practice_id: int) -> None:
        self.practice_id = practice_id
        self._encrypt = {
            name: encryptor(practice_id=practice_id, field=Referral._meta.get_field(name).label)
            for name in Referral.PATIENT_FIELDS
        }
        self._sealed: dict[str, dict[str, bytes]] = {name: {} for name in Referral.PATIENT_FIELDS}

    def seal(self, row: Understood) -> tuple[Patient, Indexes]:
        """The patient fields in the order of `Referral.PATIENT_FIELDS`, and the indexes: birth, initial, chart."""
        patient = (
            self._field("patient_family_name", row.family_name),
            self._field("patient_given_name", row.given_name),
            self._field("patient_born_on", row.born_on.isoformat()) if row.born_on else None,
            self._field("patient_chart_number", row.chart_number),
            self._field("reason", row.reason),
            self._field("notes", row.notes),
        )
        indexes = patient_indexes(
            family_name=row.family_name,
            given_name=row.given_name,
            born_on=row.born_on,
            chart_number=row.chart_number,
            practice_id=self.practice_id,
        )
        return patient, (indexes.name_birth, indexes.name_initial, indexes.chart)

    def _field(self, name: str, text: str) -> bytes:
        if not text:
            return b""
        sealed = self._sealed[name]
        if text not in sealed:
            if len(sealed) >= CACHED:
                sealed.clear()
            sealed[text] = self._encrypt[name](text)
        return sealed[text]
