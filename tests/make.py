"""Builds data for tests: invented people, valid NPIs by checksum. Call inside a practice's scope, but for `practice`."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from functools import cache
from itertools import count
from typing import Any

from django.contrib.auth.hashers import make_password

from contacts.models import Office, Provider, ProviderOffice, Referral, Specialty
from contacts.npi import check_digit
from contacts.referral_way import log_referral
from contacts.search import refresh_search
from practices.isolation import practice_scope
from practices.models import LinkToken, Member, Practice, User
from practices.secret_links import new_link
from touchpoints import return_referral_way as way
from touchpoints.models import FeedbackRequest, ReturnReferral

PASSWORD = "correct horse battery"
NOW = datetime(2026, 11, 18, 15, 0, tzinfo=UTC)  # a Wednesday, 10:00 in New York
_numbers: Iterator[int] = count(1)


@cache
def _password_hash() -> str:
    return make_password(PASSWORD)  # slow on purpose, so once


def practice(name: str = "Harbor Cardiology", **fields: Any) -> Practice:
    return Practice.objects.create(**{"name": name, "starts_on": date(2026, 1, 5), **fields})


def member(role: str, practice: Practice, *, name: str = "", email: str = "", **fields: Any) -> Member:
    """A user with a seat. Opens the practice's scope by itself."""
    number = next(_numbers)
    user = User.objects.create(
        email=email or f"{role}{number}@example.test",
        name=name or f"{role.title()} {number}",
        password=_password_hash(),
    )
    with practice_scope(practice):
        return Member.objects.create(user=user, role=role, **{"practice": practice, **fields})


def npi() -> str:
    nine = f"1{next(_numbers):08d}"
    return nine + check_digit(nine)


def office(name: str = "", **fields: Any) -> Office:
    made = Office.objects.create(
        name=name or f"Office {next(_numbers)}", **{"city": "Salem", "state": "MA", **fields}
    )
    refresh_search(offices=[made.pk])
    return made


def provider(family_name: str = "", *, at: Office | None = None, **fields: Any) -> Provider:
    defaults = {"given_name": "Amara", "credentials": "MD"}
    made = Provider.objects.create(
        family_name=family_name or f"Okafor{next(_numbers)}", **{**defaults, **fields}
    )
    if at:
        ProviderOffice.objects.create(provider=made, office=at)
    refresh_search(providers=[made.pk])
    return made


def specialty(name: str = "Cardiology") -> Specialty:
    code = f"{next(_numbers):09d}X"
    return Specialty.objects.filter(name=name).first() or Specialty.objects.create(name=name, code=code)


def return_referral(
    by: Member, *, provider: Provider | None = None, now: datetime = NOW, **need: Any
) -> ReturnReferral:
    """An invented patient's need; with a provider, the patient has chosen."""
    defaults: dict[str, Any] = {
        "patient_family_name": f"Testperson{next(_numbers)}",
        "patient_given_name": "Ida",
        "patient_born_on": None,
        "patient_phone": "",
        "physician": by,
        "specialty": need.get("specialty") or specialty(),
        "zip_code": "",
        "language": "",
        "payer": "",
        "urgency": "routine",
    }
    row = way.suggest(by=by, now=now, **{**defaults, **need})
    if provider is None:
        return row
    return way.choose(
        row,
        provider=provider,
        office=None,
        clinical_reason="Palpitations at rest",
        is_patients_choice=True,
        offered=[provider.pk],
        known=None,
    )


def referral(by: Member, *, now: datetime = NOW, **fields: Any) -> Referral:
    """A fax received the day before `now`, for an invented patient."""
    if "provider" not in fields and "office" not in fields:
        fields["provider"] = provider()
    number = next(_numbers)
    defaults: dict[str, Any] = {
        "received_on": date(2026, 11, 17),
        "channel": "fax",
        "patient_family_name": f"Testperson{number}",
        "patient_given_name": "Ida",
    }
    return log_referral(by=by, now=now, **{**defaults, **fields})


def feedback_link(request: FeedbackRequest, *, expires_at: datetime) -> str:
    """The secret of a link to answer that request."""
    token, row = new_link(
        LinkToken.Purpose.FEEDBACK,
        practice_id=request.practice_id,
        object_id=request.pk,
        expires_at=expires_at,
    )
    row.save()
    return token
