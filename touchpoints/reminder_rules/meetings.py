"""What meetings leave to do: to go, and to say afterwards how it went."""

from collections.abc import Iterable
from datetime import UTC, timedelta

from django.db.models import Prefetch
from django.utils.formats import date_format, time_format
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Provider
from touchpoints.models import Attendee, Meeting
from touchpoints.reminder_rules.asked import Asked
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule


def meetings_tomorrow(asked: Asked) -> Iterable[Due]:
    """A planned meeting, the day before, to whoever goes; gone when it is said to be held or cancelled.

    Moved to another day it is another cause, so that it comes back to who was done with the first; the day is UTC's,
    so that a practice that changes its zone is not told the same again.
    """
    active = Attendee.objects.filter(provider__state=Provider.State.ACTIVE, provider__merged_into=None)
    invited = Prefetch(
        "attendees",
        queryset=active.select_related("provider").order_by("provider__family_name", "pk"),
        to_attr="active_providers",
    )
    for meeting in (
        Meeting.objects.planned().select_related("office").prefetch_related(invited).order_by("pk")
    ):
        at = meeting.starts_at.astimezone(asked.practice.zone)
        first = next((row.provider for row in meeting.active_providers), None)  # type: ignore[attr-defined]  # prefetched
        whom = asked.name_of(first) if first else meeting.office or meeting.place
        words = {
            "kind": meeting.get_kind_display(),
            "whom": whom,
            "day": date_format(at, "F j"),
            "time": time_format(at, "g:i A"),
        }
        text = (
            _("%(kind)s with %(whom)s on %(day)s at %(time)s.")
            if whom
            else _("%(kind)s on %(day)s at %(time)s.")
        )
        yield Due(
            cause=f"meeting {meeting.pk} on {meeting.starts_at.astimezone(UTC).date()}",
            member_id=asked.falls_to(meeting.owner_id),
            due_on=at.date() - timedelta(days=asked.numbers["days"]),
            reason=capfirst(text % words),
            provider_id=first.pk if first else None,
            office_id=None if first else meeting.office_id,
        )


RULES = (
    Rule(
        key="meetings_tomorrow",
        title=gettext_lazy("Meeting ahead"),
        sentence=gettext_lazy("A planned meeting, %(days)s before."),
        falls_to=gettext_lazy("whoever goes"),
        find=meetings_tomorrow,
        numbers=(Number("days", gettext_lazy("Days before"), 1, least=0, most=14),),
    ),
)
