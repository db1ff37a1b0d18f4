"""Whether a provider takes new patients, and when that was last heard."""

from datetime import date

from django.db.models import Count, F, Func, QuerySet

from contacts.models import Provider


def confirm_accepting(provider: Provider, *, accepts: bool, day: date) -> None:
    """They said so on that day."""
    provider.is_accepting_patients, provider.accepting_confirmed_on = accepts, day
    provider.save(update_fields=["is_accepting_patients", "accepting_confirmed_on"])


def listed(name: str, *, limit: int = 50) -> list[str]:
    """What stands in `languages` or `payers` of active providers, the most frequent first."""
    rows: QuerySet = Provider.objects.active().annotate(word=Func(F(name), function="unnest")).order_by()
    words = rows.values("word").annotate(n=Count("pk")).order_by("-n", "word")
    return [row["word"] for row in words[:limit]]
