"""Physicians who stand in for a colleague on some days, and see those patients meanwhile."""

from datetime import date, datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from practices.models import Cover, Member, UndoableAct
from practices.roles import GIVES_COVER
from practices.undo import CannotUndo, plain, put_back, remember, takes_back, values_of

COVER = "cover_ended"


def end_cover(cover: Cover, *, today: date, by: Member, now: datetime) -> UndoableAct:
    """Take back what is left of it: the days already covered stay, for the log of access points to them."""
    kept = values_of(cover)
    names = {"name": cover.covered_by.name, "colleague": cover.physician.name}
    if cover.starts_on >= today:
        cover.delete()
    else:
        cover.ends_on = today - timedelta(days=1)
        cover.save(update_fields=["ends_on"])
    said = _("The cover of %(name)s for %(colleague)s ended") % names
    return remember(COVER, said=said, by=by, now=now, row=kept, ended_on=plain(cover.ends_on))


@takes_back(COVER, roles=GIVES_COVER)
def cover_again(data: dict[str, Any], *, by: Member, now: datetime) -> None:
    """Until the day it was to end."""
    values = data["row"]["values"]
    if by.is_physician and values["physician_id"] != by.pk:
        raise CannotUndo(_("It is not yours any more."))
    found = Cover.objects.filter(pk=values["id"])
    if not found.exists():
        put_back(data["row"])
    elif not found.filter(ends_on=data["ended_on"]).update(ends_on=values["ends_on"]):
        raise CannotUndo(_("It was changed since."))
