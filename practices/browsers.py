"""A browser's own name for itself, in words."""

from django.utils.translation import gettext as _

# The first that is found: nearly every browser also names those it descends from.
BROWSERS = [("Edg", "Edge"), ("OPR/", "Opera"), ("Firefox/", "Firefox"), ("FxiOS/", "Firefox")]
BROWSERS += [("Chrome/", "Chrome"), ("CriOS/", "Chrome"), ("Safari/", "Safari")]
SYSTEMS = [("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows")]
SYSTEMS += [("CrOS", "ChromeOS"), ("Macintosh", "Mac"), ("Linux", "Linux")]


def in_words(user_agent: str) -> str:
    """ "Firefox on Windows", as far as it can be told."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Unknown browser")
