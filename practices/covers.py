"""Physicians who stand in for a colleague on some days, and see those patients meanwhile."""

from datetime import date, timedelta

from practices.models import Cover


def end_cover(cover: Cover, *, today: date) -> None:
    """Take back what is left of it: the days already covered stay, for the log of access points to them."""
    if cover.starts_on >= today:
        cover.delete()
    else:
        cover.ends_on = today - timedelta(days=1)
        cover.save(update_fields=["ends_on"])
