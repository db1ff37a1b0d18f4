"""Who has how much to do, and who falls behind."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Count, Min, OuterRef, Q, Subquery
from django.db.models.functions import JSONObject
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from practices.models import Member
from touchpoints.models import Reminder, StandIn
from touchpoints.reminder_acts import doable_by
from touchpoints.reminder_forms import LoadForm
from touchpoints.reminder_groups import parts_on


@dataclass(frozen=True)
class Load:
    """One member's open reminders."""

    member_id: int
    name: str
    count: int
    overdue: int
    oldest_on: date | None
    stand_in: str = ""
    until: date | None = None


def loads(*, today: date) -> list[Load]:
    """Everybody who is there or has any on the page, who is furthest behind first; in one query."""
    parts = parts_on(today)
    rows = Reminder.objects.open().filter(Q(*parts.values(), _connector=Q.OR), member=OuterRef("pk"))
    late = {"overdue": Count("pk", filter=parts["overdue"]), "oldest": Min("due_on", filter=parts["overdue"])}
    figures = (
        rows.order_by().values("member").annotate(found=JSONObject(n=Count("pk"), **late)).values("found")
    )
    away = StandIn.objects.on(today).filter(member=OuterRef("pk"))
    stand_in = away.values(json=JSONObject(name="stand_in__user__name", until="until"))
    people = Member.objects.select_related("user").annotate(
        found=Subquery(figures), stand_in=Subquery(stand_in)
    )
    there = people.filter(Q(left_at=None) | Q(found__isnull=False)).order_by("user__name", "pk")
    found = [_load(member) for member in there]
    return sorted(found, key=lambda load: (-load.overdue, load.oldest_on or date.max))


def _load(member: Any) -> Load:
    found = member.found or {"n": 0, "overdue": 0, "oldest": None}
    oldest_on = date.fromisoformat(found["oldest"]) if found["oldest"] else None
    away = member.stand_in or {"name": "", "until": None}
    until = date.fromisoformat(away["until"]) if away["until"] else None
    return Load(member.pk, member.name, found["n"], found["overdue"], oldest_on, away["name"], until)


def load_page(seat: Member, form: LoadForm, *, today: date) -> dict[str, Any]:
    """What handing over a member's load would move, and who stands in for them."""
    rows = Reminder.objects.open().filter(member=seat)
    to, count = form.cleaned_data.get("to") if form.is_valid() else None, rows.count()
    goes = doable_by(rows, to, today=today).count() if to else 0
    away = StandIn.objects.on(today).filter(member=seat).select_related("stand_in__user")
    return {
        "seat": seat,
        "form": form,
        "to": to,
        "until": form.cleaned_data["until"] if to else None,
        "count": count,
        "overdue": rows.filter(due_on__lt=today).count(),
        "goes": goes,
        "stays": count - goes,
        "away": away.first(),
    }


def in_words(found: Sequence[Load]) -> str:
    """ "Ida Lee is furthest behind: 12 overdue, the oldest since November 2. 3 are behind in all."."""
    behind = [load for load in found if load.overdue]
    if not behind or behind[0].oldest_on is None:
        return _("Nobody is behind.")
    first = behind[0]
    words = {"name": first.name, "n": first.overdue, "day": date_format(behind[0].oldest_on, "F j")}
    sentence = _("%(name)s is furthest behind: %(n)d overdue, the oldest since %(day)s.") % words
    if len(behind) == 1:
        return sentence
    others = ngettext("%(n)d more is behind.", "%(n)d more are behind.", len(behind) - 1)
    return f"{sentence} {others % {'n': len(behind) - 1}}"
