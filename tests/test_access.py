"""One table of every address: who gets what. A new URL without a line fails.

Each line says, for GET and POST, what these people are answered, in this order:

- anonymous: nobody signed in
- stranger: the manager of another practice, who asks for our objects
- manager, coordinator, physician, liaison: ours; the referrals and lists are sent to this physician
- colleague: our other physician, to whom nothing was sent

A POST carries no field that a form knows, so a form that may be used answers 422 or steps on. A method without a line is 405.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

import pytest
from django.db import transaction
from django.http import HttpResponse
from django.test import Client
from django.urls import URLResolver, get_resolver, reverse
from django.utils import timezone

from contacts.merging import merge_providers
from contacts.models import OfficeContact
from contacts.undoing import remember_merge
from practices.digest_wishes import new_unsubscribe_link
from practices.invitations import invite
from practices.isolation import practice_scope
from practices.models import Cover, Invitation, Location, Member
from practices.outbox import queue_mail
from practices.weeks import Week
from tests import make
from tests.exchange import bring
from tests.practices.any_row import any_row
from touchpoints.calendar_addresses import make_address
from touchpoints.meeting_people import People
from touchpoints.meetings import plan_meeting
from touchpoints.models import (
    Feedback,
    FeedbackIssue,
    FeedbackRequest,
    Gift,
    GiftLimit,
    GiftReturn,
    Reminder,
    ThankYou,
)
from touchpoints.thank_you_lists import make_thank_you_lists
from touchpoints.touchpoint_log import log_call

PEOPLE = ("anonymous", "stranger", "manager", "coordinator", "physician", "liaison", "colleague")
SIGN_IN = "sign in"  # a redirect to the sign-in page
POSTED_BY_PROGRAMS = {
    "unsubscribe"
}  # a mail program knows no token of ours (RFC 8058); the link is the secret
Answers = dict[str, int | str]


def public(status: int) -> Answers:
    return dict.fromkeys(PEOPLE, status)


def members(status: int, **others: int) -> Answers:
    """Everybody with a seat, each in their own practice."""
    return {**public(status), "anonymous": SIGN_IN, **others}


def ours(status: int, **others: int) -> Answers:
    """Everybody of this practice; to a stranger the row does not exist."""
    return members(status, stranger=404, **others)


def managers(status: int) -> Answers:
    """Managers, each of their own practice."""
    return members(403, stranger=status, manager=status)


def managers_of_ours_alone(status: int = 302) -> Answers:
    """The manager of this practice; to everybody else the row does not exist."""
    return members(404, manager=status)


def our_manager(status: int) -> Answers:
    """The manager of this practice; to a stranger the row does not exist."""
    return members(403, stranger=404, manager=status)


NOT_A_LIAISON = {"liaison": 403}
NOT_SENT_TO = {"colleague": 404}
LIST_DECIDERS = {"coordinator": 403, "liaison": 403, "colleague": 404}
THEIR_REMINDER = {"coordinator": 404, "liaison": 404, "colleague": 404}
NOT_A_PHYSICIAN = {"physician": 403, "colleague": 403}
THEIR_ISSUE = {"coordinator": 403, "liaison": 403, "colleague": 403}
THEIR_TOUCHPOINT = {"coordinator": 403, "liaison": 403, "colleague": 403}


@dataclass(frozen=True)
class Address:
    """What GET and POST of one URL are answered; None: the method is not allowed."""

    get: Answers | None = None
    post: Answers | None = None


ADDRESSES: dict[str, Address] = {
    # Home, and what one looks up.
    "home": Address(get=members(200)),
    "search": Address(get=members(200)),
    # Referrals.
    "referrals": Address(get=members(200)),
    "referral_new": Address(get=members(200), post=members(422)),
    "referral": Address(get=ours(200, **NOT_SENT_TO)),
    "referral_edit": Address(
        get=ours(200, **NOT_SENT_TO, **NOT_A_LIAISON), post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)
    ),
    "referral_step": Address(post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "referral_take_back": Address(post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "referral_withdraw": Address(post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "referral_physician": Address(post=ours(302, physician=403, colleague=403, liaison=403)),
    "referral_provider": Address(
        get=ours(302, **NOT_SENT_TO, **NOT_A_LIAISON), post=ours(302, **NOT_SENT_TO, **NOT_A_LIAISON)
    ),
    "patient_find": Address(get=members(200, **NOT_A_LIAISON), post=members(422, **NOT_A_LIAISON)),
    # Providers and offices.
    "providers": Address(get=members(200)),
    "provider": Address(get=ours(200)),
    "provider_new": Address(get=members(200), post=members(422)),
    "provider_edit": Address(get=ours(200), post=ours(422)),
    "provider_options": Address(get=members(200)),
    "form_of_address": Address(get=members(200)),
    "offices": Address(get=members(200)),
    "office": Address(get=ours(200)),
    "office_new": Address(get=members(200), post=members(422)),
    "office_edit": Address(get=ours(200), post=ours(422)),
    "office_options": Address(get=members(200)),
    "office_contact_new": Address(get=ours(200), post=ours(422)),
    "office_contact_edit": Address(get=ours(200), post=ours(422)),
    "office_contact_remove": Address(post=ours(302)),
    # Doubles.
    "duplicates": Address(get=managers(200)),
    "provider_merge": Address(get=our_manager(200), post=our_manager(302)),
    "provider_not_a_double": Address(post=our_manager(302)),
    "office_merge": Address(get=our_manager(200), post=our_manager(302)),
    "office_not_a_double": Address(post=our_manager(302)),
    "merge_undo": Address(post=our_manager(302)),
    # Figures.
    "insights": Address(get=members(200)),
    "insights_senders": Address(get=members(200)),
    "insights_outreach": Address(get=members(200)),
    "insights_touchpoints": Address(get=members(200)),
    "insights_exported": Address(get=managers(200)),
    # Thank-yous.
    "thank_you": Address(get=members(200)),
    "thank_you_week": Address(get=members(200)),
    "thank_you_row": Address(get=ours(200, **NOT_SENT_TO)),
    "thank_you_card": Address(get=ours(200, **LIST_DECIDERS), post=ours(302, **LIST_DECIDERS)),
    "thank_you_call": Address(get=ours(200, **LIST_DECIDERS), post=ours(302, **LIST_DECIDERS)),
    "thank_you_skip": Address(get=ours(200, **LIST_DECIDERS), post=ours(422, **LIST_DECIDERS)),
    "thank_you_carry": Address(post=ours(302, **LIST_DECIDERS)),
    "thank_you_hand_over": Address(get=ours(200, **LIST_DECIDERS), post=ours(422, **LIST_DECIDERS)),
    "thank_you_written": Address(post=ours(422, **LIST_DECIDERS)),
    "thank_you_mailed": Address(get=ours(200, **LIST_DECIDERS), post=ours(422, **LIST_DECIDERS)),
    "thank_you_take_back": Address(post=ours(302, **LIST_DECIDERS)),
    "thank_you_cards": Address(get=members(200), post=members(302)),
    "thank_you_put_back": Address(post=members(302)),
    "cards_printed": Address(get=members(302)),
    "week_cards_printed": Address(get=members(302)),
    # Touchpoints; this one is the physician's.
    "touchpoint_new": Address(get=members(200), post=members(200)),
    "touchpoint": Address(get=ours(200)),
    "touchpoint_edit": Address(get=ours(200, **THEIR_TOUCHPOINT), post=ours(422, **THEIR_TOUCHPOINT)),
    "touchpoint_withdraw": Address(post=ours(422, **THEIR_TOUCHPOINT)),
    "touchpoint_done": Address(post=ours(302, **THEIR_TOUCHPOINT)),
    # Return referrals; this one is of the physician's patient.
    "return_referrals": Address(get=members(200, **NOT_A_LIAISON)),
    "return_referral_new": Address(get=members(200, **NOT_A_LIAISON), post=members(422, **NOT_A_LIAISON)),
    "return_referral": Address(get=ours(200, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "return_referral_need": Address(
        get=ours(200, **NOT_SENT_TO, **NOT_A_LIAISON), post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)
    ),
    "return_referral_choice": Address(
        get=ours(200, **NOT_SENT_TO, **NOT_A_LIAISON), post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)
    ),
    "return_referral_accepting": Address(post=ours(302, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "return_referral_step": Address(post=ours(422, **NOT_SENT_TO, **NOT_A_LIAISON)),
    "return_referral_letter": Address(get=ours(200, **NOT_SENT_TO, **NOT_A_LIAISON)),
    # Meetings and gifts; these are the physician's.
    "meetings": Address(get=members(200)),
    "meeting_new": Address(get=members(200), post=members(422)),
    "meeting_people_options": Address(get=members(200)),
    "meeting": Address(get=ours(200)),
    "meeting_edit": Address(get=ours(200, **THEIR_TOUCHPOINT), post=ours(422, **THEIR_TOUCHPOINT)),
    "meeting_held": Address(get=ours(200, **THEIR_TOUCHPOINT), post=ours(422, **THEIR_TOUCHPOINT)),
    "meeting_cancel": Address(post=ours(422, **THEIR_TOUCHPOINT)),
    "meeting_invite": Address(post=ours(302, **THEIR_TOUCHPOINT)),
    "gifts": Address(get=members(200)),
    "gift_new": Address(get=members(200), post=members(422)),
    "gift": Address(get=ours(200)),
    "gift_withdraw": Address(post=ours(422, **THEIR_TOUCHPOINT)),
    "gift_return": Address(post=our_manager(422)),
    "gift_return_withdraw": Address(post=our_manager(422)),
    "gift_count": Address(post=our_manager(302)),
    "gifts_exported": Address(get=managers(200)),
    "gift_limits": Address(get=managers(200), post=managers(422)),
    "gift_limit_remove": Address(post=our_manager(302)),
    "gift_limit": Address(get=our_manager(200), post=our_manager(422)),
    # Reports back.
    "report_back": Address(get=members(200)),
    "report_back_tell": Address(get=members(302, **NOT_A_LIAISON), post=members(302, **NOT_A_LIAISON)),
    "report_back_undo": Address(post=members(302, **NOT_A_LIAISON)),
    "report_back_figures": Address(get=members(200)),
    "report_back_exported": Address(get=managers(200)),
    # Reminders; this one falls to the physician.
    "reminders": Address(get=members(200)),
    "reminder": Address(get=ours(200, **THEIR_REMINDER), post=ours(302, **THEIR_REMINDER)),
    "reminder_done": Address(post=ours(302, **THEIR_REMINDER)),
    "reminder_snooze": Address(get=ours(200, **THEIR_REMINDER), post=ours(422, **THEIR_REMINDER)),
    "reminder_hand_over": Address(get=ours(200, **THEIR_REMINDER), post=ours(422, **THEIR_REMINDER)),
    "reminders_many": Address(get=members(302), post=members(302)),
    "reminder_undo": Address(post=members(302)),
    "reminders_load": Address(get=our_manager(200), post=our_manager(422)),
    "reminder_dismiss": Address(get=ours(200, **THEIR_REMINDER), post=ours(422, **THEIR_REMINDER)),
    "reminder_rules": Address(get=managers(200)),
    "reminder_rule": Address(get=managers(200), post=managers(422)),
    # One's calendar; the address of the feed is what lets in, whoever is signed in.
    "calendar": Address(get=members(200), post=members(200)),
    "calendar_revoke": Address(post=members(302)),
    "calendar_feed": Address(get=public(200)),
    # Feedback; this issue falls to the physician.
    "feedback": Address(get=members(200)),
    "feedback_answer": Address(get=ours(200)),
    "feedback_new": Address(get=members(200, **NOT_A_PHYSICIAN), post=members(422, **NOT_A_PHYSICIAN)),
    "feedback_ask": Address(get=managers(200), post=managers(302)),
    "feedback_ask_provider": Address(get=ours(200, **NOT_A_PHYSICIAN), post=ours(302, **NOT_A_PHYSICIAN)),
    "feedback_ask_office": Address(get=ours(200, **NOT_A_PHYSICIAN), post=ours(302, **NOT_A_PHYSICIAN)),
    "feedback_issue": Address(get=ours(200)),
    "feedback_issue_resolve": Address(post=ours(422, **THEIR_ISSUE)),
    "feedback_issue_tell": Address(post=ours(422, **THEIR_ISSUE)),
    "feedback_issue_hand_over": Address(post=our_manager(422)),
    "feedback_public": Address(get=public(200), post=public(422)),
    "feedback_thanks": Address(get=public(200)),
    # Files brought in.
    "imports": Address(get=managers(200), post=managers(422)),
    "import": Address(get=our_manager(200)),
    "import_columns": Address(post=our_manager(422)),
    "import_names": Address(post=our_manager(302)),
    "import_name": Address(get=our_manager(200), post=our_manager(302)),
    "import_write": Address(post=our_manager(302)),
    "import_rejected": Address(get=our_manager(200)),
    "import_undo": Address(post=our_manager(302)),
    "import_discard": Address(post=our_manager(302)),
    # Our side.
    "settings": Address(get=managers(200), post=managers(422)),
    "stationery": Address(get=managers(200), post=managers(422)),
    "stationery_test_sheet": Address(get=managers(200)),
    "locations": Address(get=managers(200)),
    "location_new": Address(get=managers(200), post=managers(422)),
    "location_edit": Address(get=our_manager(200), post=our_manager(422)),
    "members": Address(get=managers(200), post=managers(422)),
    "member_edit": Address(get=our_manager(200), post=our_manager(422)),
    "member_leave": Address(post=our_manager(302)),
    "member_return": Address(post=our_manager(302)),
    "invitation_send_again": Address(post=our_manager(200)),
    "invitation_withdraw": Address(post=our_manager(302)),
    "covers": Address(
        get=members(200, coordinator=403, liaison=403), post=members(422, coordinator=403, liaison=403)
    ),
    "cover_end": Address(post=ours(302, coordinator=403, liaison=403, colleague=404)),
    # One's mail; its own link is what stops it, whoever is signed in.
    "undo": Address(get=members(200)),
    "undo_act": Address(post=managers_of_ours_alone()),
    "my_mail": Address(get=members(200), post=members(422)),
    "unsubscribe": Address(get=public(200), post=public(200)),
    "outbox": Address(get=managers(200)),
    "outbox_retry": Address(post=our_manager(302)),
    "audit_trail": Address(get=managers(200)),
    "audit_trail_exported": Address(get=managers(200)),
    "sign_ins": Address(get=managers(200)),
    "sign_ins_exported": Address(get=managers(200)),
    "patient_accesses": Address(get=managers(200)),
    "patient_accesses_exported": Address(get=managers(200)),
    "switch_practice": Address(post=members(302)),
    "theme": Address(post=public(302)),
    "draft": Address(post={**members(204), "anonymous": 401}),
    "draft_discard": Address(post={**members(204), "anonymous": 401}),
    # Who is signed in is asked to sign out before taking another seat.
    "invitation": Address(get=public(200), post={**public(200), "anonymous": 422}),
    # Signing in; who is signed in already is sent home.
    "account_login": Address(get={**public(302), "anonymous": 200}, post={**public(302), "anonymous": 200}),
    "account_inactive": Address(get=public(200)),
    "account_logout": Address(get={**public(200), "anonymous": 302}, post=public(302)),
    "account_change_password": Address(get=members(200), post=members(200)),
    "account_reset_password": Address(get=public(200), post=public(200)),
    "account_reset_password_done": Address(get=public(200)),
    "account_reset_password_from_key": Address(get=public(200), post=public(200)),
    "account_reset_password_from_key_done": Address(get=public(200)),
    # Between the two, and how one signs in; most asks for the password anew first.
    "mfa_authenticate": Address(get=public(302), post=public(302)),
    "mfa_login_webauthn": Address(get=public(302), post=public(302)),
    "mfa_index": Address(get=members(200)),
    "account_reauthenticate": Address(get=members(200), post=members(200)),
    "mfa_reauthenticate": Address(get=members(302), post=members(302)),
    "mfa_reauthenticate_webauthn": Address(get=members(302), post=members(302)),
    "mfa_activate_totp": Address(get=members(302), post=members(302)),
    "mfa_deactivate_totp": Address(get=members(404), post=members(404)),
    "mfa_add_webauthn": Address(get=members(302), post=members(302)),
    "mfa_edit_webauthn": Address(get=members(302), post=members(302)),
    "mfa_remove_webauthn": Address(get=members(302), post=members(302)),
    "mfa_view_recovery_codes": Address(get=members(404)),
    "mfa_generate_recovery_codes": Address(get=members(302), post=members(302)),
    "session_end": Address(post=members(404)),
    "sessions_end_others": Address(post=members(302)),
    "session_left": Address(get={**members(200), "anonymous": 401}),
    "session_stay": Address(post={**members(200), "anonymous": 401}),
    "sign_in_rules": Address(get=managers(200), post=managers(422)),
    "member_sign_out": Address(post=our_manager(302)),
    "member_second_factor_reset": Address(get=managers(302), post=managers(302)),
    # Asked by machines.
    "healthz": Address(get=public(200)),
    "readyz": Address(get=public(200)),
}


class World:
    """Our practice and its people; the objects that addresses name are made when asked for."""

    def __init__(self) -> None:
        self.practice = make.practice("Ours", starts_on=date(2026, 1, 5))
        self.manager = make.member("manager", self.practice)
        self.coordinator = make.member("coordinator", self.practice)
        self.physician = make.member("physician", self.practice)
        self.liaison = make.member("liaison", self.practice)
        self.colleague = make.member("physician", self.practice)
        self.stranger = make.member("manager", make.practice("Theirs"))

    @cached_property
    def referral(self) -> Any:
        return make.referral(by=self.manager, physician=self.physician, received_on=date(2026, 11, 10))

    @cached_property
    def office(self) -> Any:
        return make.office()

    @cached_property
    def thank_you(self) -> ThankYou:
        self.referral  # noqa: B018  # it is what the list is made of
        make_thank_you_lists(week=Week.of(date(2026, 11, 10)), now=make.NOW)
        return ThankYou.objects.get()

    @cached_property
    def invitation(self) -> tuple[Invitation, str]:
        from django.utils import timezone

        invitation = Invitation(email="nia@example.test", name="Nia Brandt", role="liaison")
        return invitation, invite(invitation, by=self.manager, now=timezone.now())

    @cached_property
    def brought(self) -> Any:
        return bring.checked(bring.HEADER + bring.line("1"), by=self.manager)

    def call(self) -> Any:
        return log_call(outcome="reached", provider=make.provider(), by=self.physician, now=make.NOW)

    def return_referral(self) -> Any:
        """Its provider is chosen, so that there is a letter."""
        return make.return_referral(self.manager, physician=self.physician, provider=make.provider())

    def feedback_link(self) -> str:
        from django.utils import timezone

        request: Any = any_row(FeedbackRequest, self.practice)
        return make.feedback_link(request, expires_at=timezone.now() + FeedbackRequest.LIFETIME)

    def unsubscribe_link(self) -> str:
        from django.utils import timezone

        return new_unsubscribe_link(self.physician, now=timezone.now()).strip("/").rpartition("/")[2]

    def meeting(self) -> Any:
        said = {"kind": "visit", "starts_at": make.NOW, "ends_at": make.NOW + timedelta(hours=1)}
        people = People((make.provider(),))
        return plan_meeting(
            people=people, owner=self.physician, by=self.physician, now=make.NOW, purpose="Hello", **said
        )

    def merge(self) -> Any:
        return merge_providers(keep=make.provider(), drop=make.provider(), by=self.manager, now=make.NOW)

    def cover(self) -> Any:
        people = {"physician": self.physician, "covered_by": self.colleague, "created_by": self.manager}
        return any_row(Cover, self.practice, **people)


# What an address names, by its parameter; where two addresses mean different things, by address and parameter.
NAMED: dict[str | tuple[str, str], Callable[[World], Any]] = {
    ("insights_exported", "table"): lambda world: "months",
    ("insights_exported", "extension"): lambda world: "csv",
    ("report_back_exported", "extension"): lambda world: "csv",
    "referral_id": lambda world: world.referral.pk,
    "provider_id": lambda world: make.provider().pk,
    "office_id": lambda world: world.office.pk,
    "contact_id": lambda world: any_row(OfficeContact, world.practice, office=world.office).pk,
    ("provider_merge", "other_id"): lambda world: make.provider().pk,
    ("provider_not_a_double", "other_id"): lambda world: make.provider().pk,
    ("office_merge", "other_id"): lambda world: make.office().pk,
    ("office_not_a_double", "other_id"): lambda world: make.office().pk,
    "merge_id": lambda world: world.merge().pk,
    "act_id": lambda world: remember_merge(world.merge(), by=world.manager, now=timezone.now()).pk,
    "week": lambda world: Week.of(date(2026, 11, 10)),
    "row_id": lambda world: world.thank_you.pk,
    "touchpoint_id": lambda world: world.call().pk,
    "return_referral_id": lambda world: world.return_referral().pk,
    "meeting_id": lambda world: world.meeting().pk,
    "gift_id": lambda world: any_row(Gift, world.practice, logged_by=world.physician).pk,
    "return_id": lambda world: any_row(GiftReturn, world.practice).pk,
    "year": lambda world: any_row(GiftLimit, world.practice, year=2031).year,
    "reminder_id": lambda world: any_row(Reminder, world.practice, member=world.physician).pk,
    "feedback_id": lambda world: any_row(Feedback, world.practice).pk,
    "issue_id": lambda world: any_row(FeedbackIssue, world.practice, owner=world.physician).pk,
    ("feedback_public", "token"): lambda world: world.feedback_link(),
    "import_id": lambda world: world.brought.pk,
    "name_id": lambda world: world.brought.names.filter(kind="provider").get().pk,
    "location_id": lambda world: any_row(Location, world.practice).pk,
    "member_id": lambda world: make.member("liaison", world.practice).pk,
    "invitation_id": lambda world: world.invitation[0].pk,
    "cover_id": lambda world: world.cover().pk,
    "envelope_id": lambda world: (
        queue_mail(to="ida@example.test", subject="s", text="t", practice=world.practice, now=make.NOW).pk
    ),
    ("unsubscribe", "token"): lambda world: world.unsubscribe_link(),
    ("calendar_feed", "token"): lambda world: (
        make_address(world.physician).rpartition("/")[2].removesuffix(".ics")
    ),
    "token": lambda world: world.invitation[1].strip("/").rpartition("/")[2],
    "rule": lambda world: "in_touch",
    "stamp": lambda world: 1,
    "form": lambda world: "referral",
    "kind": lambda world: "labels",
    "uidb36": lambda world: "1",
    "pk": lambda world: 1,
    "handle": lambda world: "made-up",
    "key": lambda world: "made-up",
}


@dataclass(frozen=True)
class Route:
    """One address of the resolver, and the parameters of its whole path."""

    name: str | None
    view: Callable[..., HttpResponse]
    parameters: tuple[str, ...]


def routes(of: Any = None, parameters: tuple[str, ...] = ()) -> Iterator[Route]:
    for pattern in (of or get_resolver()).url_patterns:
        here = (*parameters, *pattern.pattern.regex.groupindex)
        if isinstance(pattern, URLResolver):
            yield from routes(pattern, here)
        else:
            yield Route(pattern.name, pattern.callback, here)


ROUTES = {route.name: route for route in routes()}
CASES = [
    pytest.param(name, method, answers, id=f"{method} {name}")
    for name, address in ADDRESSES.items()
    for method, answers in (("get", address.get), ("post", address.post))
]


def address_of(name: str, world: World) -> str:
    with practice_scope(world.practice):
        values = {p: NAMED[(name, p) if (name, p) in NAMED else p](world) for p in ROUTES[name].parameters}
    return reverse(name, kwargs=values)


def answer(client: Client, world: World, who: str, method: str, url: str) -> int | str:
    """What this person gets, outside any scope, and nothing of it stays."""
    client.cookies.clear()
    with transaction.atomic():
        if who != "anonymous":
            member: Member = getattr(world, who)
            client.force_login(member.user)
        response: HttpResponse = getattr(client, method)(url, {"sent": "1"})
        transaction.set_rollback(True)
    is_to_sign_in = response.status_code == 302 and response.url.startswith(
        reverse("account_login") + "?next="
    )
    return SIGN_IN if is_to_sign_in else response.status_code


def test_every_address_has_a_name_and_a_line():
    assert [route for route in routes() if not route.name] == []
    assert len(ROUTES) == len(list(routes())), "two addresses share a name"
    assert set(ROUTES) == set(ADDRESSES)


@pytest.mark.django_db
@pytest.mark.parametrize(("name", "method", "answers"), CASES)
def test_everybody_gets_what_the_table_says(client, name, method, answers):
    world = World()
    url = address_of(name, world)
    if answers is None:
        assert answer(client, world, "manager", method, url) == 405
    else:
        assert {who: answer(client, world, who, method, url) for who in PEOPLE} == answers


@pytest.mark.django_db
@pytest.mark.parametrize(
    "name", [name for name, address in ADDRESSES.items() if address.post and name not in POSTED_BY_PROGRAMS]
)
def test_no_post_is_taken_without_its_token(name):
    world, client = World(), Client(enforce_csrf_checks=True)
    url = address_of(name, world)
    for who in ("anonymous", "manager"):
        assert answer(client, world, who, "post", url) == 403


@pytest.mark.django_db
@pytest.mark.parametrize("name", [name for name, address in ADDRESSES.items() if address.get])
def test_a_user_without_a_seat_is_told_so(client, name):
    world = World()
    url = address_of(name, world)
    with practice_scope(world.practice):
        Member.objects.filter(pk=world.manager.pk).update(left_at=make.NOW)
    expected = ADDRESSES[name].get["manager"]
    if hasattr(ROUTES[name].view, "roles"):
        expected = 403
    assert answer(client, world, "manager", "get", url) == expected
