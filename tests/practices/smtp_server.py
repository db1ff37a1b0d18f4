"""A real SMTP server on loopback that misbehaves when told to."""

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.message import Message
from email.policy import default

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session


class Postbox:
    """What the server accepted, and how it treats what comes next."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self.answers: dict[str, str] = {}  # by recipient, to RCPT TO
        self.answer_to_data = "250 kept"
        self.drops_before_data = False
        self.drops_after_data = False
        self.drops_after_answer = False
        self.waits_seconds = 0.0
        self.on_letter: Callable[[int], None] | None = None  # told how many came, before the last is answered

    @property
    def times_received(self) -> Counter[str]:
        return Counter(message["Message-ID"] for message in self.messages)

    async def handle_RCPT(  # aiosmtpd's name
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if self.drops_before_data:
            server.transport.abort()
        if address in self.answers:
            return self.answers[address]
        envelope.rcpt_tos.append(address)
        return "250 go on"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.answer_to_data.startswith("2"):
            assert isinstance(envelope.content, bytes)  # it is not asked to decode
            self.messages.append(message_from_bytes(envelope.content, policy=default))
        await asyncio.sleep(self.waits_seconds)  # kept before it is answered, so whoever hangs up can't know
        if self.on_letter:
            self.on_letter(len(self.messages))
        if self.drops_after_data:
            server.transport.abort()
        return self.answer_to_data

    async def handle_QUIT(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.drops_after_answer:
            server.transport.abort()
        return "221 bye"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def smtp_server(port: int) -> Iterator[Postbox]:
    """Serve while the block runs."""
    postbox = Postbox()
    controller = Controller(postbox, hostname="127.0.0.1", port=port)
    controller.start()
    try:
        yield postbox
    finally:
        controller.stop()
