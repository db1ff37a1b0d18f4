"""What a person decides about the names of a file before anything is written."""

from collections.abc import Iterable

from django.db import transaction
from django.utils.translation import gettext as _

from exchange.models import Import, ImportName
from practices.pages import as_id

Kind, Decision = ImportName.Kind, ImportName.Decision
OURS = (Kind.PHYSICIAN, Kind.LOCATION)
GOOD_ENOUGH = 85


class NotDecided(Exception):
    """The decision names nobody who exists; says so in a sentence."""


@transaction.atomic
def decide(name: ImportName, choice: str) -> None:
    """Take a choice as the form offers it: `new`, `leave_out`, `open`, `existing:17` or `same:4`.

    Raises NotDecided when it is none of those, or points at nothing of this practice.
    """
    decision, _colon, number = choice.partition(":")
    name.provider = name.office = name.physician = name.location = None
    if decision == Decision.EXISTING:
        _point_at(name, number)
    elif decision == Decision.SAME:
        name.same_as = _other(name, number)
    elif decision not in _plain_choices(name.kind):
        raise NotDecided(_("Choose one of the answers."))
    name.decision = decision
    name.save()


@transaction.atomic
def accept_suggestions(source: Import) -> int:
    """Decide whatever is undecided as suggested; returns how many."""
    names = list(source.names.undecided())
    for name in names:
        decide(name, suggested_choice(name))
    return len(names)


def suggested_choice(name: ImportName) -> str:
    """The nearest who resembles enough, else the same new person of this file, else a new one."""
    if name.suggestions and name.suggestions[0][1] >= GOOD_ENOUGH:
        return f"existing:{name.suggestions[0][0]}"
    if name.same_as_id:
        return f"same:{name.same_as_id}"
    return Decision.OPEN if name.kind in OURS else Decision.NEW


def may_be_written(source: Import) -> bool:
    return source.state == Import.State.REVIEW and not source.names.undecided().exists()


def _plain_choices(kind: str) -> Iterable[str]:
    return (Decision.OPEN,) if kind in OURS else (Decision.NEW, Decision.LEAVE_OUT)


def _point_at(name: ImportName, number: str) -> None:
    model = ImportName._meta.get_field(name.kind).remote_field.model
    row = model.objects.filter(pk=as_id(number)).first()
    if row is None:
        raise NotDecided(_("Choose one of those in your network."))
    setattr(name, name.kind, row)


def _other(name: ImportName, number: str) -> ImportName:
    """Another spelling of the same file that does not in turn point elsewhere, or at this one."""
    others = name.source.names.filter(kind=name.kind).exclude(pk=name.pk).exclude(decision=Decision.SAME)
    other = others.filter(pk=as_id(number)).first()
    if other is None or name.others.filter(decision=Decision.SAME).exists():
        raise NotDecided(_("Choose another name of this file that is not itself the same as a third."))
    return other
