"""One timeline of a provider or an office: referrals, touchpoints, thank-yous that wait, reminders; newest first.

The four kinds come from one UNION, each read by key, so a page costs one query however long the story is.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from itertools import groupby
from typing import Any

from django.db.models import (
    BooleanField,
    CharField,
    Count,
    DateField,
    Exists,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
)
from django.db.models.functions import Cast, Coalesce, JSONObject, TruncDate
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from contacts.models import Office, Provider, ProviderOffice, Referral
from contacts.models.referrals import Status, opened_by
from contacts.referral_rows import TONES as REFERRAL_TONES
from practices.addresses import page_url, row_url
from practices.encryption import decrypt
from practices.isolation import current_practice_id
from practices.models import Member
from practices.roles import DECIDES_THANK_YOUS, SEES_ALL_PATIENTS, Role
from practices.weeks import Week
from touchpoints.models import Feedback, Meeting, Reminder, ThankYou, ThankYouReferral, Touchpoint
from touchpoints.reminder_rules.lists import week_in_words
from touchpoints.thank_you_pages import url_of_row
from touchpoints.thank_you_rows import TONES

KINDS = {
    "reminders": gettext_lazy("Reminders"),
    "thank-yous": gettext_lazy("Thank-yous"),
    "touchpoints": gettext_lazy("Reached out"),
    "referrals": gettext_lazy("Referrals"),
}
TOUCHPOINT_KINDS = {
    "cards": (Touchpoint.Kind.CARD, gettext_lazy("Cards")),
    "calls": (Touchpoint.Kind.CALL, gettext_lazy("Calls")),
    "meetings": (Touchpoint.Kind.MEETING, gettext_lazy("Meetings")),
    "return-referrals": (Touchpoint.Kind.RETURN_REFERRAL, gettext_lazy("Return referrals")),
    "feedback": (Touchpoint.Kind.FEEDBACK, gettext_lazy("Feedback")),
}
FILTERS = {
    "referrals": KINDS["referrals"],
    **{name: label for name, (_kind, label) in TOUCHPOINT_KINDS.items()},
    "thank-yous": KINDS["thank-yous"],
    "reminders": KINDS["reminders"],
    "touchpoints": KINDS["touchpoints"],
}
FOLDED_FROM = 4  # referrals in a row
RANKS = {kind: rank for rank, kind in enumerate(reversed(KINDS))}
TOUCHPOINT_ICONS = {
    Touchpoint.Kind.CARD: "envelope-paper",
    Touchpoint.Kind.CALL: "telephone",
    Touchpoint.Kind.MEETING: "cup-hot",
    Touchpoint.Kind.RETURN_REFERRAL: "arrow-left-right",
    Touchpoint.Kind.FEEDBACK: "chat-left-text",
}


@dataclass(frozen=True)
class Entry:
    """One line of the story."""

    day: date
    rank: int
    id: int
    icon: str
    text: str
    url: str = ""
    label: str = ""
    tone: str = "neutral"
    note: str = ""
    referral_id: int | None = None
    inside: tuple["Entry", ...] = ()

    @property
    def key(self) -> tuple[str, int, int]:
        return self.day.isoformat(), self.rank, self.id


@dataclass(frozen=True)
class Story:
    """Whose timeline it is, who reads it, and whether this reader asked for names and notes about patients."""

    of: Provider | Office
    member: Member
    today: date
    names: bool = False

    @property
    def is_office(self) -> bool:
        return isinstance(self.of, Office)

    @property
    def sees_patients(self) -> bool:
        return self.member.role != Role.LIAISON


def timeline(
    story: Story, *, kind: str = "", after: tuple[date, int, int] | None = None, limit: int
) -> list[Entry]:
    """The newest `limit` entries, of one kind of FILTERS or all, that stand after that key; from one query."""
    only, _label = TOUCHPOINT_KINDS.get(kind, (None, ""))
    wanted = "touchpoints" if only else kind
    branches = [
        _branch(rows.filter(kind=only) if only else rows, kind=name, after=after, limit=limit)
        for name, rows in ((name, build(story)) for name, build in BRANCHES.items() if wanted in ("", name))
    ]
    rows = branches[0]
    if len(branches) > 1:
        rows = rows.union(*branches[1:], all=True).order_by("-day", "-rank", "-entry_id")[:limit]
    entries = []
    for day, rank, entry_id, facts in rows:
        read = READERS[rank]
        entries.append(Entry(day=day, rank=rank, id=entry_id, **read(story, entry_id, facts)))
    return entries


def folded(entries: list[Entry]) -> list[Entry]:
    """Long runs of referrals become one entry for each month that opens to them."""
    shown: list[Entry] = []
    for (rank, *_month), group in groupby(entries, key=lambda one: (one.rank, one.day.year, one.day.month)):
        run = list(group)
        is_long = rank == RANKS["referrals"] and len(run) >= FOLDED_FROM
        shown += [_fold(run)] if is_long else run
    return shown


def _fold(run: list[Entry]) -> Entry:
    first, last = run[-1].day, run[0].day
    days = date_format(first, "F j") if first == last else f"{date_format(first, 'F j')}–{last.day}"
    text = _("%(n)d referrals, %(days)s") % {"n": len(run), "days": days}
    return Entry(day=last, rank=run[0].rank, id=run[0].id, icon="referrals", text=text, inside=tuple(run))


def _branch(
    rows: QuerySet, *, kind: str, after: tuple[date, int, int] | None, limit: int
) -> QuerySet[Any, tuple]:
    """Day, rank, id and facts of one kind, as the union's columns."""
    rank = RANKS[kind]
    if after:
        day, after_rank, after_id = after
        same_day = Q(day=day) if rank < after_rank else Q(day=day, pk__lt=after_id)
        rows = rows.filter(Q(day__lt=day) | same_day if rank <= after_rank else Q(day__lt=day))
    rows = rows.annotate(rank=Value(rank), entry_id=F("pk"))
    return rows.order_by("-day", "-pk").values_list("day", "rank", "entry_id", "facts")[:limit]


def came_from(office: Office) -> Q:
    """What names the office, and its own providers' where no office is named."""
    return Q(office=office) | Q(office=None, provider__in=_works_at(office))


def _works_at(office: Office) -> QuerySet:
    return ProviderOffice.objects.filter(office=office, is_main=True).values("provider")


def _about(story: Story) -> Q:
    return came_from(story.of) if isinstance(story.of, Office) else Q(provider=story.of)


def _referrals(story: Story) -> QuerySet:
    facts = {"status": "status", "physician": "physician__user__name", **_provider_name("provider")}
    if story.sees_patients:
        theirs = opened_by(story.member, day=story.today)
        facts |= {
            "family": "patient_family_name",
            "given": "patient_given_name",
            "is_visible": ExpressionWrapper(theirs, output_field=BooleanField()) if theirs else Value(True),
        }
    rows = Referral.objects.standing().filter(_about(story))
    return rows.annotate(day=F("received_on"), facts=JSONObject(**facts))


def _touchpoints(story: Story) -> QuerySet:
    thanked = ThankYouReferral.objects.filter(thank_you__card=OuterRef("pk"), referral__withdrawn_at=None)
    facts = JSONObject(
        kind="kind",
        by="member__user__name",
        member="member_id",
        note="note",
        is_thanks="is_thanks",
        referral="referral_id",
        outcome="call_outcome",
        meeting="meeting_id",
        meeting_kind="meeting__kind",
        overall=Subquery(_answers().values("overall")[:1]),
        is_thank_you_call=Exists(ThankYou.objects.filter(call=OuterRef("pk"))),
        patients=Subquery(thanked.order_by().values("thank_you__card").annotate(n=Count("pk")).values("n")),
        **_provider_name("provider"),
    )
    rows = Touchpoint.objects.standing().filter(_about(story))
    if story.is_office:
        same = Touchpoint.objects.standing().filter(_about(story), meeting=OuterRef("meeting"))
        rows = rows.exclude(Exists(same.filter(pk__lt=OuterRef("pk"))))
    return rows.annotate(day=F("happened_on"), facts=facts)


def _answers() -> QuerySet:
    """What the referrer said, by the index of their feedback."""
    return Feedback.objects.filter(provider=OuterRef("provider"), touchpoint=OuterRef("pk"))


def _thank_yous(story: Story) -> QuerySet:
    """Mailed and called rows stand there as their touchpoints."""
    of = story.of
    about = Q(provider__in=_works_at(of)) if isinstance(of, Office) else Q(provider=of)
    rows = ThankYou.objects.filter(about).exclude(state__in=[ThankYou.State.MAILED, ThankYou.State.CALLED])
    decided_on = TruncDate("decided_at", tzinfo=story.member.practice.zone)
    made_on = TruncDate("list__made_at", tzinfo=story.member.practice.zone)
    facts = JSONObject(
        state="state",
        physician="list__physician__user__name",
        physician_id="list__physician_id",
        week=Cast("list__week_starts_on", CharField()),
        **_provider_name("provider"),
    )
    return rows.annotate(day=Coalesce(decided_on, made_on, output_field=DateField()), facts=facts)


def _reminders(story: Story) -> QuerySet:
    of = story.of
    here = Q(office=of) | Q(provider__in=_works_at(of)) if isinstance(of, Office) else Q(provider=of)
    facts = JSONObject(reason="reason", member="member__user__name", member_id="member_id")
    return Reminder.objects.open().filter(here).annotate(day=F("due_on"), facts=facts)


def _provider_name(prefix: str) -> dict[str, Any]:
    parts = ("given_name", "family_name", "credentials")
    return {f"provider_{part}": f"{prefix}__{part}" for part in parts}


def _name(story: Story, facts: dict[str, Any]) -> str:
    """The provider, where the story is an office's."""
    if not story.is_office or not facts.get("provider_family_name"):
        return ""
    fields = {part: facts[f"provider_{part}"] for part in ("given_name", "family_name", "credentials")}
    return Provider(**fields).short_name


def _read_referral(story: Story, referral_id: int, facts: dict[str, Any]) -> dict[str, Any]:
    status = Status(facts["status"])
    is_visible = facts.get("is_visible", False)
    what = _("Referral %(reference)s") % {"reference": f"R-{referral_id}"}
    if is_visible:
        family, given = (
            _open(facts["family"], "patient_family_name"),
            _open(facts["given"], "patient_given_name"),
        )
        patient = Referral(patient_family_name=family, patient_given_name=given)
        label = patient.patient_name if story.names else patient.patient_initials
        what = _("Referred %(patient)s") % {"patient": label} if label else what
    elif story.sees_patients:
        what = _("Referred a patient")
    by = _name(story, facts)
    parts = {"what": f"{by}: {what}" if by else what, "physician": facts["physician"]}
    text = _("%(what)s to %(physician)s") if facts["physician"] else "%(what)s"
    return {
        "icon": "referrals",
        "text": text % parts,
        "url": row_url("referral", referral_id) if is_visible or not story.sees_patients else "",
        "label": status.label,
        "tone": REFERRAL_TONES[status],
        "referral_id": referral_id if is_visible and story.names else None,
    }


def _read_touchpoint(story: Story, touchpoint_id: int, facts: dict[str, Any]) -> dict[str, Any]:
    kind = Touchpoint.Kind(facts["kind"])
    is_about_patient = facts["referral"] is not None or kind == Touchpoint.Kind.RETURN_REFERRAL
    is_bare = is_about_patient and not story.sees_patients
    name = "" if story.is_office and facts["meeting"] else _name(story, facts)
    what = _what(kind, facts)
    if facts["patients"] and not is_bare:
        count = ngettext("for %(n)d patient", "for %(n)d patients", facts["patients"])
        what = f"{what} {count % {'n': facts['patients']}}"
    elif facts["is_thanks"] and kind != Touchpoint.Kind.CARD:
        what = _("%(what)s with thanks") % {"what": what}
    text = f"{name}: {what}" if name else what
    if not is_bare:
        text = _("%(what)s, by %(name)s") % {"what": text, "name": facts["by"]}
    is_shown = bool(facts["outcome"]) and not is_bare
    is_reached = facts["outcome"] == Touchpoint.CallOutcome.REACHED
    return {
        "icon": TOUCHPOINT_ICONS[kind],
        "text": text,
        "url": _opens(touchpoint_id, facts),
        "label": str(Touchpoint.CallOutcome(facts["outcome"]).label) if is_shown else "",
        "tone": "done" if is_reached else "quiet",
        "note": _note(story, facts),
    }


def _opens(touchpoint_id: int, facts: dict[str, Any]) -> str:
    """A meeting is told on its own page."""
    if facts["meeting"]:
        return row_url("meeting", facts["meeting"])
    return row_url("touchpoint", touchpoint_id)


def _what(kind: Touchpoint.Kind, facts: dict[str, Any]) -> str:
    """ "Phone call", "Meeting (lunch)", "Feedback: 9 of 10"."""
    what = str(kind.label).capitalize()
    if facts["meeting_kind"]:
        return _("%(what)s (%(kind)s)") % {"what": what, "kind": Meeting.Kind(facts["meeting_kind"]).label}
    if facts["overall"] is not None:
        return _("%(what)s: %(score)d of 10") % {"what": what, "score": facts["overall"]}
    return what


def _note(story: Story, facts: dict[str, Any]) -> str:
    """A note of a call about patients is theirs: shown with the names, to who may see them."""
    if not facts["note"]:
        return ""
    is_thanks_by_phone = facts["kind"] == Touchpoint.Kind.CALL and facts["is_thanks"]
    is_about_patients = facts["referral"] is not None or facts["is_thank_you_call"] or is_thanks_by_phone
    if is_about_patients:
        is_theirs = story.member.role in SEES_ALL_PATIENTS or facts["member"] == story.member.pk
        if not (story.names and is_theirs and story.sees_patients):
            return ""
    return _open(facts["note"], "note", model=Touchpoint)


def _read_thank_you(story: Story, row_id: int, facts: dict[str, Any]) -> dict[str, Any]:
    state = ThankYou.State(facts["state"])
    week = Week(date.fromisoformat(facts["week"]))
    words = {"name": facts["physician"], "week": week_in_words(week)}
    text = _("On %(name)s's thank-you list of %(week)s") % words
    name = _name(story, facts)
    is_manager = story.member.role == Role.MANAGER
    may_open = is_manager or facts["physician_id"] == story.member.pk
    url = url_of_row(row_id, week=week, physician_id=facts["physician_id"])
    return {
        "icon": "thank-you",
        "text": f"{name}: {text}" if name else text,
        "url": url if may_open and story.member.role in DECIDES_THANK_YOUS else "",
        "label": state.label,
        "tone": TONES[state],
    }


def _read_reminder(story: Story, reminder_id: int, facts: dict[str, Any]) -> dict[str, Any]:
    is_mine = facts["member_id"] == story.member.pk
    text = facts["reason"] if is_mine else f"{facts['reason']} ({facts['member']})"
    return {
        "icon": "reminders",
        "text": text,
        "url": page_url("reminders"),
        "label": _("reminder"),
        "tone": "due",
    }


def _open(stored: str | None, name: str, *, model: Any = Referral) -> str:
    """Decrypt what JSON carries as PostgreSQL writes bytes: \\x and hexadecimal digits."""
    field = model._meta.get_field(name)
    return decrypt(bytes.fromhex((stored or "")[2:]), practice_id=current_practice_id(), field=field.label)


BRANCHES: dict[str, Callable[[Story], QuerySet]] = {
    "reminders": _reminders,
    "thank-yous": _thank_yous,
    "touchpoints": _touchpoints,
    "referrals": _referrals,
}
READERS = {
    RANKS["reminders"]: _read_reminder,
    RANKS["thank-yous"]: _read_thank_you,
    RANKS["touchpoints"]: _read_touchpoint,
    RANKS["referrals"]: _read_referral,
}
