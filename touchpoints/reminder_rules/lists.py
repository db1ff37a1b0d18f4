"""What the thank-you lists leave to do: to review, to write, to mail."""

from collections.abc import Iterable
from datetime import date, datetime

from django.db.models import Count, Q, QuerySet
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from practices.weeks import Week
from touchpoints.models import ThankYou, ThankYouList
from touchpoints.reminder_rules.asked import Asked
from touchpoints.reminder_rules.due import Due
from touchpoints.reminder_rules.rule import Number, Rule

BUSINESS_DAYS = gettext_lazy("Business days")


def lists_to_review(asked: Asked) -> Iterable[Due]:
    """A physician's list that has undecided rows, some business days after it was made."""
    lists = ThankYouList.objects.to_review().filter(asked.round.rows(lists="pk"))
    for found in lists.annotate(left=Count("rows", filter=Q(rows__state="undecided"))):
        text = ngettext(
            "%(count)d row of the thank-you list of %(week)s is undecided.",
            "%(count)d rows of the thank-you list of %(week)s are undecided.",
            found.left,
        )
        yield Due(
            cause=f"list {found.pk}",
            member_id=asked.falls_to(found.physician_id),
            due_on=_days_after(asked, found.made_at),
            reason=text % {"count": found.left, "week": week_in_words(found.week)},
            thank_you_list_id=found.pk,
        )


def cards_to_write(asked: Asked) -> Iterable[Due]:
    """A card decided on and not written, some business days later."""
    for row in _waiting(asked, ThankYou.objects.to_write()):
        reason = _("The card to %(name)s is not written yet.") % {"name": asked.name_of(row.provider)}
        yield _card_due(asked, row, since=row.decided_at, reason=reason)


def cards_to_mail(asked: Asked) -> Iterable[Due]:
    """A card written and not mailed, some business days later."""
    for row in _waiting(asked, ThankYou.objects.written()):
        reason = _("The card to %(name)s is written and not mailed yet.") % {
            "name": asked.name_of(row.provider)
        }
        yield _card_due(asked, row, since=row.written_at, reason=reason)


def week_in_words(week: Week) -> str:
    """ "November 16–22"."""
    last = date_format(week.sunday, "j" if week.monday.month == week.sunday.month else "F j")
    return f"{date_format(week.monday, 'F j')}–{last}"


def _waiting(asked: Asked, rows: QuerySet[ThankYou]) -> QuerySet[ThankYou]:
    about = asked.round.rows(lists="list", providers="provider")
    return rows.filter(about).select_related("provider", "list").order_by("pk")


def _card_due(asked: Asked, row: ThankYou, *, since: datetime | None, reason: str) -> Due:
    return Due(
        cause=f"row {row.pk}",
        member_id=asked.falls_to(row.assignee_id, row.list.physician_id),
        due_on=_days_after(asked, since),
        reason=reason,
        provider_id=row.provider_id,
        thank_you_list_id=row.list_id,
    )


def _days_after(asked: Asked, since: datetime | None) -> date:
    return asked.after(asked.practice.today(since), asked.numbers["days"])


RULES = (
    Rule(
        key="lists_to_review",
        title=gettext_lazy("Thank-you list to review"),
        sentence=gettext_lazy("A list that still has undecided rows %(days)s after it was made."),
        falls_to=gettext_lazy("the physician whose list it is"),
        find=lists_to_review,
        numbers=(Number("days", BUSINESS_DAYS, 4, least=0, most=30, are_business_days=True),),
    ),
    Rule(
        key="cards_to_write",
        title=gettext_lazy("Card to write"),
        sentence=gettext_lazy("A card that is not written %(days)s after it was decided on."),
        falls_to=gettext_lazy("whoever the card was handed to, otherwise the physician"),
        find=cards_to_write,
        numbers=(Number("days", BUSINESS_DAYS, 3, least=0, most=30, are_business_days=True),),
    ),
    Rule(
        key="cards_to_mail",
        title=gettext_lazy("Card to mail"),
        sentence=gettext_lazy("A card that is not mailed %(days)s after it was written."),
        falls_to=gettext_lazy("whoever the card was handed to, otherwise the physician"),
        find=cards_to_mail,
        numbers=(Number("days", BUSINESS_DAYS, 2, least=0, most=30, are_business_days=True),),
    ),
)
