"""The settings: whether they fit each other, and real use."""

from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.conf import settings
from django.contrib.staticfiles.storage import staticfiles_storage
from django.http.request import validate_host

from practices.models import Practice
from referralcrm.doctor.findings import Check, Finding, look, ok, wrong


def address_is_answered() -> Finding:
    """Whether the address in mails is one that we answer to."""
    host = urlsplit(settings.SITE_URL).hostname or ""
    if not validate_host(host, settings.ALLOWED_HOSTS):
        return wrong(
            f"SITE_URL names {host or 'no host'}, which ALLOWED_HOSTS does not allow",
            "add it to ALLOWED_HOSTS",
        )
    if "*" in settings.ALLOWED_HOSTS:
        return wrong("ALLOWED_HOSTS allows every name, so a forged one gets into mails", "name the hosts")
    return ok(f"SITE_URL and ALLOWED_HOSTS fit ({host})")


def visitors_come_through_tls() -> Finding:
    """Whether cookies and pages travel encrypted."""
    if settings.BEHIND_TLS:
        return ok("Visitors come through TLS")
    host = urlsplit(settings.SITE_URL).hostname
    if host in ("localhost", "127.0.0.1", "::1"):
        return look(
            "Only this machine is served: SITE_URL is not https",
            "for others: a TLS proxy, and SITE_URL=https://…",
        )
    return wrong(
        "Sign-ins and patients travel in clear: SITE_URL is not https",
        "put a TLS proxy in front, set SITE_URL=https://… (docs/install.md)",
    )


def it_is_in_earnest() -> Finding:
    """Whether nothing of a trial is left on."""
    if settings.DEBUG:
        return wrong("DEBUG is on: its error pages show data", "set DEBUG=0")
    if settings.DEMO:
        return look("DEMO is on: the demo's passwords are known to everybody", "for real use set DEMO=0")
    return ok("Neither DEBUG nor DEMO is on")


def static_files_are_there() -> Finding:
    """Whether the pages find their styles and scripts."""
    try:
        staticfiles_storage.url("css/site.css")
    except ValueError:
        return wrong(
            "The static files were not collected: pages fail", "run manage.py collectstatic --noinput"
        )
    return ok("The static files are collected")


def time_zones_are_known() -> Finding:
    """Whether this machine knows the practices' time zones."""
    unknown = []
    for zone in Practice.objects.values_list("time_zone", flat=True).distinct():
        try:
            ZoneInfo.no_cache(zone)
        except (ZoneInfoNotFoundError, ValueError):
            unknown.append(zone)
    if unknown:
        return wrong(f"This machine does not know {', '.join(sorted(unknown))}", "install the package tzdata")
    return ok("This machine knows the practices' time zones")


CHECKS: tuple[Check, ...] = (
    address_is_answered,
    visitors_come_through_tls,
    it_is_in_earnest,
    static_files_are_there,
    time_zones_are_known,
)
