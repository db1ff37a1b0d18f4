"""What a log line must not carry."""

import logging
import re

SECRET_LINK = re.compile(r"(/invitation/|/password/reset/|/calendar/|/f/|/mail/stop/)[^/\s]+")


class HideSecretLinks(logging.Filter):
    """A link that lets its holder in stays secret until it is used: its address is logged without it."""

    def filter(self, record: logging.LogRecord) -> bool:
        message = record.getMessage()
        if SECRET_LINK.search(message):
            record.msg, record.args = SECRET_LINK.sub(r"\1…", message), None
        return True
