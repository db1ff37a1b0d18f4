"""Where a provider works: written together with what they are found by."""

from collections.abc import Iterable

from django.db import transaction

from contacts.models import Office, Provider, ProviderOffice
from contacts.search import refresh_search


@transaction.atomic
def set_places(provider: Provider, *, offices: Iterable[Office], main: Office | None = None) -> None:
    """Let the provider work in these offices and no other; `main` defaults to the main one so far, or the first.

    Call it after the provider's own fields were saved: it refreshes what search finds.
    """
    wanted = list(dict.fromkeys(offices))
    places = {place.office: place for place in provider.places.select_related("office").order_by("id")}
    provider.places.exclude(office__in=wanted).delete()
    so_far = next((office for office, place in places.items() if place.is_main and office in wanted), None)
    main = main or so_far or next(iter(wanted), None)
    # One main office at a time: the old one steps back before the new one steps forward.
    provider.places.exclude(office=main).update(is_main=False)
    for office in wanted:
        if office not in places:
            ProviderOffice.objects.create(provider=provider, office=office, is_main=office == main)
    provider.places.filter(office=main).update(is_main=True)
    refresh_search(providers=[provider.pk])
