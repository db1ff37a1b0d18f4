"""Coordinators at work over HTTP while the machine is being troubled; what they were told was kept is noted."""

import http.client
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, HTTPRedirectHandler, Request, build_opener
from uuid import uuid4

TOKEN = "t" * 32
PATIENCE = 5  # seconds for one answer
PAUSE = 0.05
IN_LETTERS = str.maketrans("0123456789", "ghijklmnop")  # names are compared by their letters


class StayHere(HTTPRedirectHandler):
    """Where an answer sends us is the acknowledgement: it is read, not followed."""

    def redirect_request(self, *args: Any, **kwargs: Any) -> None:
        return None


@dataclass
class Desk:
    """Where a coordinator signs in, and whose referrals come in there."""

    email: str
    password: str
    provider: dict[str, Any]
    today: str


class Coordinator(threading.Thread):
    """Logs referrals and takes a step with each, until asked to stop; tries again what was not acknowledged."""

    def __init__(self, url: str, desk: Desk) -> None:
        super().__init__(daemon=True)
        self.url, self.desk = url, desk
        self.cookies = CookieJar()
        self.browser = build_opener(StayHere(), HTTPCookieProcessor(self.cookies))
        self.tried: set[str] = set()  # submission keys
        self.logged: dict[str, int] = {}  # acknowledged: the referral's number by its submission key
        self.stepped: set[int] = set()  # acknowledged: referrals whose patient was contacted
        self.answers: Counter[str] = Counter()
        self.refused = 0
        self.longest_wait = 0.0
        self.is_over = threading.Event()

    def run(self) -> None:
        while not self.is_over.is_set():
            key, since = str(uuid4()), time.monotonic()
            self.tried.add(key)
            while not self.is_over.is_set() and not self._log(key):
                self.refused += 1
                time.sleep(PAUSE)
            self.longest_wait = max(self.longest_wait, time.monotonic() - since)
            if key in self.logged and len(self.logged) % 2:
                self._step(self.logged[key])
            time.sleep(PAUSE)

    def stop(self) -> None:
        self.is_over.set()
        self.join(60)

    def _log(self, key: str) -> bool:
        """Whether it was acknowledged; the same key again is the same referral."""
        said = {**self.desk.provider, "received_on": self.desk.today}
        said |= {"channel": "fax", "urgency": "routine", "submission_key": key}
        said |= {
            "patient_family_name": f"Testperson {key.translate(IN_LETTERS)}",
            "patient_given_name": "Ida",
        }
        sent_to = self._post("/referrals/new/", said)
        number = sent_to.removeprefix("/referrals/").strip("/")
        if not number.isdigit():
            return False
        self.logged[key] = int(number)
        return True

    def _step(self, referral: int) -> None:
        if self._post(f"/referrals/{referral}/step/", {"act": "contacted"}).startswith("/referrals/"):
            self.stepped.add(referral)

    def _post(self, path: str, said: dict[str, Any]) -> str:
        """Where the answer sends us, or nothing; signs in when that is asked for."""
        sent_to = self._answer(path, said)
        if sent_to.startswith("/sign-in/"):
            self._answer("/sign-in/", {"login": self.desk.email, "password": self.desk.password})
            return self._answer(path, said)
        return sent_to

    def _answer(self, path: str, said: dict[str, Any]) -> str:
        kept = {one.name: one.value for one in self.cookies} | {"csrftoken": TOKEN}
        cookies = "; ".join(f"{name}={value}" for name, value in kept.items())
        headers = {"X-CSRFToken": TOKEN, "Cookie": cookies}
        request = Request(self.url + path, urlencode(said).encode(), headers)
        try:
            answer: Any = self.browser.open(request, timeout=PATIENCE)
        except HTTPError as error:
            answer = error
        except (OSError, http.client.HTTPException) as error:
            self.answers[type(error).__name__] += 1
            return ""
        with answer:
            self.answers[str(answer.status)] += 1
            return answer.headers.get("Location") or ""
