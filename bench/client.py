"""A browser's connection, kept open: it asks, reads the whole answer, and knows its cookies."""

import http.client
import time
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Thread
from typing import Any
from urllib.parse import urlencode

HOST = "127.0.0.1"
CSRF = "benchbenchbenchbenchbenchbench00"  # a token is any 32 letters, the same in the cookie and in the form


@dataclass(frozen=True)
class Answer:
    """What came back, and its body as it was sent over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Visitor:
    """One signed-in member (or nobody) on one connection."""

    def __init__(self, port: int, session: str = "") -> None:
        self.connection = http.client.HTTPConnection(HOST, port, timeout=120)
        cookies = [f"csrftoken={CSRF}", *([f"sessionid={session}"] if session else [])]
        self.refused = 0  # answers of a page whose statement took longer than it may
        self.headers = {"Cookie": "; ".join(cookies), "Accept-Encoding": "gzip"}

    def get(self, path: str) -> Answer:
        """Ask for a page. Raises when it is none."""
        return self._asked("GET", path, None, {})

    def post(self, path: str, values: Mapping[str, Any]) -> Answer:
        """Send a form; what it leads to is not asked for."""
        body = urlencode({**values, "csrfmiddlewaretoken": CSRF}).encode()
        return self._asked("POST", path, body, {"Content-Type": "application/x-www-form-urlencoded"})

    def _asked(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str]) -> Answer:
        response = self._response(method, path, body, {**self.headers, **headers})
        content = response.read()
        self.refused += response.status == 503
        # A redirect means signed out, but after a form; a form that is shown again was refused.
        if response.status not in (200, 503) and not (method == "POST" and response.status == 302):
            raise AssertionError(f"{method} {path} answered {response.status}")
        return Answer(response.status, dict(response.getheaders()), content)

    def _response(
        self, method: str, path: str, body: bytes | None, headers: dict[str, str]
    ) -> http.client.HTTPResponse:
        try:
            self.connection.request(method, path, body, headers)
            return self.connection.getresponse()
        except (http.client.RemoteDisconnected, BrokenPipeError, ConnectionResetError):
            self.connection.close()  # the server lets an idle connection go
            self.connection.request(method, path, body, headers)
            return self.connection.getresponse()

    def streamed(self, path: str) -> http.client.HTTPResponse:
        """The answer as its first byte arrives, unpacked, still to be read."""
        headers = {**self.headers, "Accept-Encoding": "identity"}
        return self._response("GET", path, None, headers)


def answers_a_second(port: int, session: str, path: str, *, clients: int, seconds: float) -> float:
    """How many answers so many clients get, each on its own connection, one after the other."""
    until = time.perf_counter() + seconds
    counts = [0] * clients

    def ask(number: int) -> None:
        visitor = Visitor(port, session)
        while time.perf_counter() < until:
            visitor.get(path)
            counts[number] += 1
        visitor.connection.close()

    threads = [Thread(target=ask, args=[number]) for number in range(clients)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begun)
