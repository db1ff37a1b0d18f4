"""What a touchpoint's page shows, to whom; and what a new one is about, as its address says."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from django.http import Http404, QueryDict
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Office, Provider, Referral
from contacts.senders import main_office
from practices.models import Member
from practices.pages import as_id
from practices.roles import RECORDS_FEEDBACK, SEES_ALL_PATIENTS, SEES_PATIENTS, Role
from touchpoints.models import Reminder, ReturnReferral, ThankYou, Touchpoint
from touchpoints.reminder_pages import visible_to
from touchpoints.timeline import TOUCHPOINT_ICONS
from touchpoints.touchpoint_log import thank_you_of

Kind = Touchpoint.Kind
LOGGED_HERE = (Kind.CALL, Kind.CARD)


@dataclass(frozen=True)
class About:
    """Whom a new touchpoint reaches, as its address says; nobody: its form asks."""

    provider: Provider | None = None
    office: Office | None = None
    referral: Referral | None = None
    reminder: Reminder | None = None

    @property
    def is_known(self) -> bool:
        return bool(self.provider or self.office)

    @property
    def name(self) -> str:
        return str(self.provider or self.office or "")

    @property
    def phones(self) -> list[str]:
        """Their own number first, then the office's, each once."""
        office = self.office or (main_office(self.provider) if self.provider else None)
        numbers = [self.provider.phone if self.provider else "", office.phone if office else ""]
        return list(dict.fromkeys(filter(None, numbers)))

    @property
    def query(self) -> str:
        """The address's own words for it."""
        for name in ("reminder", "referral", "provider", "office"):
            if found := getattr(self, name):
                return f"{name}={found.pk}"
        return ""

    def url_after(self) -> str:
        """Where one came from, most likely."""
        if self.reminder:
            return reverse("reminders")
        if self.referral:
            return reverse("referral", args=[self.referral.pk])
        if self.provider:
            return reverse("provider", args=[self.provider.pk])
        return reverse("office", args=[self.office.pk]) if self.office else reverse("home")


def about(query: QueryDict, member: Member, *, day: date) -> About:
    """`?referral=17`, `?reminder=4`, `?provider=9` or `?office=2`; raises Http404 for what is not theirs to see."""
    referrals = Referral.objects.visible_to(member, day=day).select_related("provider", "office")
    if member.role not in SEES_PATIENTS:
        referrals = referrals.without_patient()
    reminder = _named(query, "reminder", visible_to(member).select_related("referral"))
    referral = _named(query, "referral", referrals)
    if reminder and reminder.referral_id:
        referral = referrals.filter(pk=reminder.referral_id).first()
    source: Any = referral or reminder
    if source:
        return About(source.provider, source.office, referral, reminder)
    return About(
        provider=_named(query, "provider", Provider.objects.filter(merged_into=None)),
        office=_named(query, "office", Office.objects.current()),
    )


def _named(query: QueryDict, name: str, rows: Any) -> Any:
    """The row an address names; None where it names none."""
    wanted = query.get(name, "")
    if not wanted:
        return None
    row = rows.filter(pk=as_id(wanted)).first()
    if row is None:
        raise Http404
    return row


@dataclass(frozen=True)
class KindChoice:
    """One kind of touchpoint that can be logged, and its key on the page of choices."""

    label: str
    hint: str
    url: str
    icon: str
    key: str


CHOICES: list[tuple[str, str, Any, Any, str]] = [
    ("c", Kind.CALL, gettext_lazy("A phone call"), gettext_lazy("Reached, voicemail or no answer."), "touchpoint_new"),
    ("d", Kind.CARD, gettext_lazy("A card sent by hand"), gettext_lazy("Beside the weekly list."), "touchpoint_new"),
    ("m", Kind.MEETING, gettext_lazy("A meeting"), gettext_lazy("Planned or held."), "meeting_new"),
    ("n", Kind.RETURN_REFERRAL, gettext_lazy("A return referral"), gettext_lazy("A patient of ours needs somebody."), "return_referral_new"),
    ("f", Kind.FEEDBACK, gettext_lazy("Feedback"), gettext_lazy("What a referrer said about us."), "feedback_new"),
]  # fmt: skip


def choices(found: About, member: Member) -> list[KindChoice]:
    """What this member may log, about whom the address named."""
    offered = []
    for key, kind, label, hint, name in CHOICES:
        if kind == Kind.RETURN_REFERRAL and member.role == Role.LIAISON:
            continue
        if kind == Kind.FEEDBACK and member.role not in RECORDS_FEEDBACK:
            continue
        try:
            url = reverse(name)
        except NoReverseMatch:
            continue
        query = "&".join(filter(None, [f"kind={kind}" if name == "touchpoint_new" else "", found.query]))
        icon = TOUCHPOINT_ICONS[Kind(kind)]
        offered.append(KindChoice(str(label), str(hint), f"{url}?{query}" if query else url, icon, key))
    return offered


@dataclass(frozen=True)
class Version:
    """What the touchpoint says, or said before a correction."""

    touchpoint: Touchpoint
    facts: list[tuple[str, str]]
    note: str
    next_step: str
    reason: str


@dataclass(frozen=True)
class TouchpointPage:
    """A touchpoint as this reader may see it; a bare one tells kind, date and provider."""

    touchpoint: Touchpoint
    title: str
    is_bare: bool
    may_change: bool
    shows_words: bool
    now: Version | None = None
    earlier: list[Version] = field(default_factory=list)
    thank_you: ThankYou | None = None
    return_referral: ReturnReferral | None = None
    referral_ids: list[int] = field(default_factory=list)

    @property
    def opens_referral(self) -> bool:
        return self.touchpoint.referral_id in self.referral_ids

    @property
    def may_withdraw(self) -> bool:
        row = self.touchpoint
        is_held_elsewhere = self.thank_you is not None or row.meeting_id is not None
        return self.may_change and not is_held_elsewhere and row.withdrawn_at is None

    @property
    def owes_next_step(self) -> bool:
        row = self.touchpoint
        return bool(row.next_step_on and not row.next_step_done_at and not row.withdrawn_at)


def touchpoint_page(row: Touchpoint, member: Member, *, day: date) -> TouchpointPage:
    """Put together what this member may see of it."""
    thank_you = thank_you_of(row)
    is_bare = member.role not in SEES_PATIENTS and (
        row.referral_id is not None or row.kind == Kind.RETURN_REFERRAL
    )
    patients = _patients(row, thank_you)
    is_theirs = member.role in SEES_ALL_PATIENTS or member.pk in (row.member_id, row.logged_by_id)
    sees = Referral.objects.visible_to(member, day=day).filter(pk__in=patients)
    may_see = member.role in SEES_PATIENTS and (
        is_theirs or (bool(patients) and sees.count() == len(patients))
    )
    is_about_patients = bool(patients) or (row.kind == Kind.CALL and row.is_thanks)
    shows_words = may_see or not is_about_patients or row.logged_by_id == member.pk
    common: dict[str, Any] = {
        "title": _title(row),
        "is_bare": is_bare,
        "thank_you": thank_you,
        "shows_words": shows_words and not is_bare,
    }
    if is_bare:
        return TouchpointPage(row, may_change=may_change(row, member), **common)
    versions = row.earlier.select_related("withdrawn_by__user", "next_step_owner__user", "member__user")
    return TouchpointPage(
        row,
        may_change=may_change(row, member),
        return_referral=_return_referral(row, member),
        now=_version(row, shows_words=shows_words),
        earlier=[_version(old, shows_words=shows_words) for old in versions.order_by("-pk")],
        referral_ids=patients if shows_words else [],
        **common,
    )


def may_change(row: Touchpoint, member: Member) -> bool:
    """The manager all, everybody else their own; once withdrawn it stays, and a return referral's follows that."""
    is_own = member.pk in (row.member_id, row.logged_by_id)
    stands_alone = row.withdrawn_at is None and row.kind != Kind.RETURN_REFERRAL
    return (member.is_manager or is_own) and stands_alone


def _return_referral(row: Touchpoint, member: Member) -> ReturnReferral | None:
    """The one whose sending made this touchpoint, for who may see it."""
    if row.kind != Kind.RETURN_REFERRAL:
        return None
    return ReturnReferral.objects.visible_to(member).filter(touchpoint=row).first()


def has_fixed_day(row: Touchpoint) -> bool:
    """The day is the meeting's, the feedback's, or the thank-you list's."""
    is_elsewhere = row.meeting_id is not None or row.kind == Kind.FEEDBACK
    return is_elsewhere or thank_you_of(row) is not None


def _patients(row: Touchpoint, thank_you: ThankYou | None) -> list[int]:
    """Whose notes these may be: the referral's it is about, or the patients of the thank-you."""
    if row.referral_id:
        return [row.referral_id]
    if thank_you and row.kind == Kind.CALL:
        return list(thank_you.links.values_list("referral", flat=True))
    return []


def _title(row: Touchpoint) -> str:
    return _("%(kind)s: %(name)s") % {
        "kind": str(row.get_kind_display()).capitalize(),
        "name": row.provider or row.office,
    }


def _version(row: Touchpoint, *, shows_words: bool) -> Version:
    facts = [
        (_("Outcome"), str(row.get_call_outcome_display()).capitalize()),
        (_("Thanks"), _("given") if row.is_thanks else ""),
        (_("Who"), row.member.user.name),
    ]
    return Version(
        touchpoint=row,
        facts=[(label, value) for label, value in facts if value],
        note=row.note if shows_words else "",
        next_step=row.next_step if shows_words else "",
        reason=row.withdrawn_reason if shows_words else "",
    )
