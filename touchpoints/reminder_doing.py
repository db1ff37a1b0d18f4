"""Where a reminder is done: the act that each rule asks for, and the page that tells what it is about."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from urllib.parse import urlencode

from django.utils.translation import gettext as _

from practices.addresses import page_url, row_url
from practices.models import Member
from practices.roles import MOVES_REFERRALS, RECORDS_FEEDBACK
from touchpoints.models import Reminder, Touchpoint
from touchpoints.thank_you_pages import url_of_list
from touchpoints.touchpoint_log import GO_ONCE_REACHED

ASKED_IN_A_CALL = ("quiet_referrers", "promised_next_steps", "report_backs")
CALLS = (*GO_ONCE_REACHED, "quiet_referrers")
SAID_TO_BE_DONE = ("promised_next_steps", "meetings_tomorrow")  # there is nothing else to log or move


@dataclass(frozen=True)
class Doing:
    """The act that does it, and its address."""

    label: str
    url: str


def doing_of(row: Reminder, member: Member) -> Doing | None:
    """The act, for this member; None where the rule is no longer known."""
    find = DOINGS.get(row.rule)
    return find(row, member) if find else None


def opens(row: Reminder, member: Member) -> str:
    """The page that tells what it is about."""
    kind, _space, rest = row.cause.partition(" ")
    number = rest.split(" ")[0]
    if row.thank_you_list:
        return _list_url(row, member)
    if row.rule in ("promised_next_steps", "unreached_calls") and kind == "touchpoint":
        return row_url("touchpoint", number)
    if row.rule == "issues_unresolved":
        return row_url("feedback_issue", number)
    if row.rule in ("promised_next_steps", "meetings_tomorrow") and kind == "meeting":
        return row_url("meeting", number)
    if row.referral_id:
        return row_url("referral", row.referral_id)
    if row.provider_id:
        return row_url("provider", row.provider_id)
    return row_url("office", row.office_id) if row.office_id else ""


def done_at(row: Reminder, member: Member) -> str:
    """The page on which doing it is logged; nothing where saying that it is done is all there is."""
    if row.rule in SAID_TO_BE_DONE:
        return ""
    if row.rule in CALLS:
        return f"{page_url('touchpoint_new')}?{urlencode({'reminder': row.pk})}"  # asks how
    doing = doing_of(row, member)
    return doing.url if doing else ""


def call_url(row: Reminder) -> str:
    """The form of a call that does this one, and what else one call can do."""
    kind = Touchpoint.Kind.CALL.value
    return f"{page_url('touchpoint_new')}?{urlencode({'kind': kind, 'reminder': row.pk})}"


def tell_together(rows: Iterable[Reminder], member: Member) -> Doing | None:
    """One act that reports back on all of them, where there are several."""
    found = [row for row in rows if row.rule == "report_backs"]
    if len(found) < 2 or member.role not in MOVES_REFERRALS:
        return None
    return Doing(_("Report back on %(n)d") % {"n": len(found)}, _tell_url(found))


def _tell_url(rows: Iterable[Reminder]) -> str:
    query = [*(("referral", row.referral_id) for row in rows), ("next", page_url("reminders"))]
    return f"{page_url('report_back_tell')}?{urlencode(query)}"


def _list_url(row: Reminder, member: Member) -> str:
    found = row.thank_you_list
    if found and (member.is_manager or found.physician_id == member.pk):
        return url_of_list(week=found.week, physician_id=found.physician_id)
    return page_url("thank_you")


def _call(row: Reminder, member: Member) -> Doing:
    return Doing(_("Log a call"), call_url(row))


def _report_back(row: Reminder, member: Member) -> Doing:
    if member.role not in MOVES_REFERRALS:
        return _referral(row, member)
    return Doing(_("Report back"), _tell_url([row]))


def _referral(row: Reminder, member: Member) -> Doing:
    return Doing(_("Open the referral"), opens(row, member))


def _list(row: Reminder, member: Member) -> Doing:
    return Doing(_("Open the list"), opens(row, member))


def _ask(row: Reminder, member: Member) -> Doing:
    if member.role not in RECORDS_FEEDBACK:
        return Doing(_("Open"), opens(row, member))
    url = row_url("feedback_ask_provider", row.provider_id)
    return Doing(_("Ask for feedback"), f"{url}?{urlencode({'next': page_url('reminders')})}")


def _issue(row: Reminder, member: Member) -> Doing:
    return Doing(_("Open the issue"), opens(row, member))


def _promise(row: Reminder, member: Member) -> Doing:
    return Doing(_("See the promise"), opens(row, member))


def _meeting(row: Reminder, member: Member) -> Doing:
    return Doing(_("Open the meeting"), opens(row, member))


DOINGS: dict[str, Callable[[Reminder, Member], Doing]] = {
    "next_actions": _referral,
    "report_backs": _report_back,
    "lists_to_review": _list,
    "cards_to_write": _list,
    "cards_to_mail": _list,
    "in_touch": _call,
    "new_referrers": _call,
    "quiet_referrers": _call,
    "unreached_calls": _call,
    "feedback_due": _ask,
    "issues_unresolved": _issue,
    "promised_next_steps": _promise,
    "meetings_tomorrow": _meeting,
}
DONE_ELSEWHERE = DOINGS.keys() - set(SAID_TO_BE_DONE)
