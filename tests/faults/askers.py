"""People who keep asking a web server while it is restarted, and write down whatever is not an answer."""

import threading
import time
from collections import Counter
from contextlib import closing
from http.client import HTTPConnection, HTTPException


class Askers:
    """So many at once, each with a new connection for every question, as from a proxy."""

    def __init__(self, address: str, path: str, *, count: int = 10) -> None:
        self.address, self.path = address, path
        self.answers: Counter[int] = Counter()
        self.failures: list[str] = []
        self.longest = 0.0
        self._is_over = threading.Event()
        self._threads = [threading.Thread(target=self._ask_on) for _ in range(count)]

    def __enter__(self) -> "Askers":
        for thread in self._threads:
            thread.start()
        return self

    def stop(self) -> None:
        """Ask no more; what was asked is still waited for."""
        self._is_over.set()

    def __exit__(self, *error: object) -> None:
        self.stop()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int, *, seconds: float = 30) -> None:
        """Until so many more questions were answered."""
        wanted, deadline = sum(self.answers.values()) + count, time.monotonic() + seconds
        while sum(self.answers.values()) < wanted:
            assert time.monotonic() < deadline, (self.answers, self.failures[:3])
            time.sleep(0.02)

    def _ask_on(self) -> None:
        while not self._is_over.is_set():
            began = time.monotonic()
            with closing(HTTPConnection(self.address, timeout=30)) as connection:
                try:
                    connection.request("GET", self.path)
                    answer = connection.getresponse()
                    answer.read()
                    self.answers[answer.status] += 1
                except (OSError, HTTPException) as error:
                    self.failures.append(f"{type(error).__name__}: {error}")
            self.longest = max(self.longest, time.monotonic() - began)
