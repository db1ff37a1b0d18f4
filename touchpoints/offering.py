"""Reads from the network whom the ranking compares: what a patient needs to know of them, and nothing else."""

from datetime import date

from contacts.models import Provider
from contacts.models.referrals import Urgency
from contacts.senders import with_places
from touchpoints.fit import Candidate, Fit, Need, Place, ranked
from touchpoints.models import ReturnReferral

READ = (
    "practice_id",
    "family_name",
    "given_name",
    "middle_name",
    "credentials",
    "languages",
    "payers",
    "is_accepting_patients",
    "accepting_confirmed_on",
)


def offered_for(row: ReturnReferral, *, today: date) -> list[Fit]:
    """The active providers of the specialty that is needed, the best fit first."""
    providers = Provider.objects.active().filter(specialty=row.specialty_id).only(*READ)
    candidates = [_candidate(provider, str(row.specialty)) for provider in with_places(providers)]
    return ranked(need_of(row), candidates, today=today)


def need_of(row: ReturnReferral) -> Need:
    """What the ranking asks of a provider."""
    return Need(
        zip_code=row.zip_code,
        language=row.language,
        payer=row.payer,
        is_urgent=row.urgency != Urgency.ROUTINE,
    )


def _candidate(provider: Provider, specialty: str) -> Candidate:
    places = [place.office for place in provider.places.all()]
    return Candidate(
        provider_id=provider.pk,
        name=str(provider),
        sorted_by=f"{provider.family_name} {provider.given_name}".casefold(),
        specialty=specialty,
        places=tuple(Place(office.pk, office.name, office.zip_code) for office in places),
        languages=tuple(provider.languages),
        payers=tuple(provider.payers),
        accepts=provider.is_accepting_patients,
        confirmed_on=provider.accepting_confirmed_on,
    )
