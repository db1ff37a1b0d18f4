"""What the page of a provider or an office says before its timeline, each from one query and their rhythm."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import Count, F, Min, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import JSONObject
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import Office, OfficeContact, Provider, ProviderOffice, Referral
from contacts.models.referrals import Status
from contacts.standing import TONES, WINDOW, Rhythm, Standing, in_words, providers_with_rhythm, standing_on
from touchpoints.feedback_figures import feedback_of
from touchpoints.models import Reminder, ReturnReferral, ThankYou, Touchpoint
from touchpoints.sparkline import Sparkline, sparkline
from touchpoints.suggestions import reports_due
from touchpoints.timeline import came_from

RECENT_DAYS = 90
YEAR = timedelta(days=365)


@dataclass(frozen=True)
class Flow:
    """Patients either way from that day on: told as it is, and weighed by nothing."""

    since: date
    from_them: int
    to_them: int


@dataclass
class ProviderPage:
    """Where things stand with one provider."""

    provider: Any
    standing_label: str
    standing_tone: str
    sentence: str
    sparkline: Sparkline
    places: list[dict[str, Any]] = field(default_factory=list)
    contacts: list[dict[str, Any]] = field(default_factory=list)
    colleagues: list[Provider] = field(default_factory=list)
    flow: Flow | None = None


def with_standing(providers: QuerySet[Provider], *, today: date) -> QuerySet[Provider]:
    """The provider's whole page but for rhythm and timeline, in one query."""
    places = ProviderOffice.objects.filter(provider=OuterRef("pk"))
    mine = ProviderOffice.objects.filter(provider=OuterRef(OuterRef("pk"))).values("office")
    colleagues = Provider.objects.active().filter(places__office__in=mine).exclude(pk=OuterRef("pk"))
    thanks = Touchpoint.objects.thanks().filter(provider=OuterRef("pk")).order_by("-happened_on")
    ever = Referral.objects.standing().filter(provider=OuterRef("pk")).order_by().values("provider")
    due = reports_due().filter(provider=OuterRef("pk")).order_by().values("provider")
    to_them = ReturnReferral.objects.on_their_way(since=today - YEAR).filter(provider=OuterRef("pk"))
    to_them = to_them.order_by().values("provider")
    return providers.select_related("specialty", "liaison__user").annotate(
        found_places=ArraySubquery(
            places.order_by("-is_main", "office__name").values(
                json=JSONObject(
                    id="office_id",
                    name="office__name",
                    street="office__street",
                    city="office__city",
                    state="office__state",
                    phone="office__phone",
                    fax="office__fax",
                )
            )
        ),
        found_contacts=ArraySubquery(
            OfficeContact.objects.filter(office__places__provider=OuterRef("pk"))
            .order_by("name")
            .values(json=_contact())
        ),
        found_colleagues=ArraySubquery(
            colleagues.order_by("family_name", "given_name").distinct().values(json=_person())
        ),
        found_feedback=feedback_of(provider=OuterRef("pk")),
        found_first_on=Subquery(ever.annotate(on=Min("received_on")).values("on")),
        found_thanked_on=Subquery(thanks.values("happened_on")[:1]),
        found_to_them=Subquery(to_them.annotate(n=Count("pk")).values("n")),
        found_reports_due=Subquery(due.annotate(n=Count("pk")).values("n")),
    )


def provider_page(provider: Any, *, today: date) -> ProviderPage:
    """Put together what `with_standing` found and the provider's rhythm."""
    days = _days(Referral.objects.filter(provider=provider), today)
    rhythm = _rhythm(days, provider.found_first_on)
    standing = standing_on(today, rhythm)
    return ProviderPage(
        provider=provider,
        standing_label=standing.label,
        standing_tone=TONES[standing],
        sentence=where_things_stand(
            today,
            rhythm,
            thanked_on=provider.found_thanked_on,
            reports_due_count=provider.found_reports_due or 0,
        ),
        sparkline=sparkline(days, today=today),
        places=provider.found_places,
        contacts=provider.found_contacts,
        flow=Flow(
            since=today - YEAR,
            from_them=sum(count for day, count in days.items() if day >= today - YEAR),
            to_them=provider.found_to_them or 0,
        ),
        colleagues=[Provider(**one) for one in provider.found_colleagues],
    )


def where_things_stand(
    today: date, rhythm: Rhythm, *, thanked_on: date | None, reports_due_count: int
) -> str:
    """ "Last thanked 12 days ago; 2 reports due. Usually every 9 days; 5 days now."""
    if thanked_on:
        days = (today - thanked_on).days
        text = ngettext("Last thanked %(days)d day ago", "Last thanked %(days)d days ago", days)
        thanks = text % {"days": days} if days else _("Thanked today")
    else:
        thanks = _("Not thanked yet")
    if reports_due_count:
        text = ngettext("%(n)d report due", "%(n)d reports due", reports_due_count)
        thanks = f"{thanks}; {text % {'n': reports_due_count}}"
    return in_words(today, rhythm) if rhythm.first_ever_on is None else f"{thanks}. {in_words(today, rhythm)}"


@dataclass
class OfficePage:
    """Where things stand with one office: the brief before a visit."""

    office: Any
    brief: list[str]
    providers: list[dict[str, Any]]
    contacts: list[dict[str, Any]]


def with_brief(offices: QuerySet[Office], *, today: date) -> QuerySet[Office]:
    """The office's page but for rhythms and timeline, in one query."""
    here = ProviderOffice.objects.filter(office=OuterRef(OuterRef("pk")), is_main=True).values("provider")
    visits = Touchpoint.objects.standing().filter(office=OuterRef("pk"), kind=Touchpoint.Kind.MEETING)
    return offices.select_related("liaison__user").annotate(
        found_contacts=ArraySubquery(
            OfficeContact.objects.filter(office=OuterRef("pk")).order_by("name").values(json=_contact())
        ),
        found_feedback=feedback_of(office=OuterRef("pk")),
        found_visited_on=Subquery(visits.order_by("-happened_on", "-pk").values("happened_on")[:1]),
        found_cards=Subquery(
            ThankYou.objects.filter(provider__in=here, state__in=["to_write", "written"])
            .order_by()
            .values("practice")
            .annotate(n=Count("pk"))
            .values("n")
        ),
        found_reminders=Subquery(
            Reminder.objects.due_on(today)
            .filter(Q(office=OuterRef("pk")) | Q(provider__in=here))
            .order_by()
            .values("practice")
            .annotate(n=Count("pk"))
            .values("n")
        ),
    )


def office_page(office: Any, *, today: date) -> OfficePage:
    """Put together what `with_brief` found, who sends how, and what became of the patients lately."""
    here = Provider.objects.current().filter(places__office=office).select_related("specialty")
    providers = []
    for provider, rhythm in providers_with_rhythm(here, today):
        standing = standing_on(today, rhythm)
        providers.append(
            {
                "provider": provider,
                "label": standing.label if provider.is_active else provider.get_state_display(),
                "tone": TONES[standing] if provider.is_active else "neutral",
                "words": in_words(today, rhythm) if provider.is_active else "",
                "is_quiet": provider.is_active and standing in (Standing.DECLINING, Standing.LAPSED),
            }
        )
    return OfficePage(office, _brief(office, providers, today), providers, office.found_contacts)


def _brief(office: Any, providers: list[dict[str, Any]], today: date) -> list[str]:
    recent = _recent(office, today)
    sent = ngettext("%(n)d patient sent", "%(n)d patients sent", recent["sent"]) % {"n": recent["sent"]}
    words = {"sent": sent, "days": RECENT_DAYS, "seen": recent["seen"]}
    said = [_visited(office, today), _("%(sent)s in the last %(days)d days, %(seen)d of them seen.") % words]
    for count, text in [
        (recent["due"], ngettext("%(n)d report back is due.", "%(n)d reports back are due.", recent["due"])),
        (office.found_cards, _("Cards waiting to be written or mailed: %(n)d.")),
        (office.found_reminders, _("Reminders due: %(n)d.")),
    ]:
        if count:
            said.append(text % {"n": count})
    quiet = [row["provider"].short_name for row in providers if row["is_quiet"]]
    if quiet:
        said.append(_("Gone quiet: %(names)s.") % {"names": ", ".join(quiet)})
    return said


def _recent(office: Any, today: date) -> dict[str, int]:
    """How many patients came lately, how many of them were seen, and whose report is due."""
    since = Q(received_on__gt=today - timedelta(days=RECENT_DAYS))
    rows = Referral.objects.standing().filter(came_from(office))
    return rows.aggregate(
        sent=Count("pk", filter=since),
        seen=Count("pk", filter=since & Q(status__in=[Status.SEEN, Status.CLOSED])),
        due=Count("pk", filter=Q(pk__in=reports_due().values("pk"))),
    )


def _visited(office: Any, today: date) -> str:
    if office.found_visited_on is None:
        return _("No visit recorded yet.")
    days = (today - office.found_visited_on).days
    text = ngettext("Last visit %(days)d day ago.", "Last visit %(days)d days ago.", days)
    return text % {"days": days} if days else _("Visited today.")


def _days(referrals: Any, today: date) -> dict[date, int]:
    rows = (
        referrals.standing()
        .filter(received_on__gt=today - WINDOW, received_on__lte=today)
        .order_by()
        .values_list("received_on")
        .annotate(n=Count("pk"))
    )
    return dict(rows)


def _rhythm(days: Iterable[date], first_ever_on: date | None) -> Rhythm:
    found = sorted(days)
    if not found:
        return Rhythm(first_ever_on=first_ever_on)
    return Rhythm(first_ever_on=first_ever_on, first_on=found[0], last_on=found[-1], days=len(found))


def _contact() -> JSONObject:
    return JSONObject(id=F("pk"), name="name", job="job", phone="phone", email="email", office="office__name")


def _person(prefix: str = "", **more: str) -> JSONObject:
    parts = ("given_name", "middle_name", "family_name", "credentials")
    return JSONObject(id=F(f"{prefix}id"), **{part: f"{prefix}{part}" for part in parts}, **more)
