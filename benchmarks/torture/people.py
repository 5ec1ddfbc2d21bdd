"""People who answer over HTTP, never give up, and keep a ledger of what the server said it had saved."""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from urllib.parse import urlencode

import httpx

from study.forms_in_pages import PageForm, find_forms

PATIENCE_SECONDS = 180.0
REQUEST_TIMEOUT_SECONDS = 40.0
LONGEST_PAUSE_SECONDS = 0.15
WORDS = ("beak", "wing", "tail", "legs", "head", "eye")
COMPLETED_CODE, FULL_CODE = "CODE-COMPLETED", "CODE-FULL"


class UnexpectedPageError(RuntimeError):
    """The server showed somebody a page that it should not have shown; the message says which."""


@dataclass(frozen=True)
class SavedAnswer:
    """One answer that the server said it had saved, with what was sent."""

    token: str
    text: str
    confidence: int


@dataclass
class Ledger:
    """What all people together know.

    Attributes:
        saved: acknowledged answers by the nonce of their trial.
        entered: participants' tokens by the identifier that they came with.
        completed: tokens of people who saw the page with the code for completing.
        withdrawn: tokens of people whose withdrawal was acknowledged.
        sent_again: requests that got no answer, and were sent again.
        refused: answers of the server that said that it could not, by HTTP status.
        overwriting: attempts to replace a saved answer.
        complaints: what should not have happened.
    """

    saved: dict[str, SavedAnswer] = field(default_factory=dict)
    entered: dict[str, str] = field(default_factory=dict)
    completed: set[str] = field(default_factory=set)
    withdrawn: set[str] = field(default_factory=set)
    sent_again: int = 0
    refused: Counter[int] = field(default_factory=Counter)
    overwriting: int = 0
    complaints: list[str] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    def merge(self, other: Ledger) -> None:
        """Take over what another ledger holds."""
        self.saved |= other.saved
        self.entered |= other.entered
        self.completed |= other.completed
        self.withdrawn |= other.withdrawn
        self.sent_again += other.sent_again
        self.refused += other.refused
        self.overwriting += other.overwriting
        self.complaints += other.complaints


@dataclass(frozen=True)
class Habits:
    """How often people do what is not simply answering, as probabilities per occasion."""

    opens_link_again: float = 0.1
    overwrites: float = 0.05
    withdraws: float = 0.01
    takes_next: float = 0.5
    """Asks for the next trial in the response to an answer, as pages with scripts do."""


class Person:
    """One person with a browser: enters, answers until the end, and repeats whatever was not acknowledged."""

    def __init__(
        self,
        client: httpx.Client,
        ledger: Ledger,
        *,
        entry_path: str,
        subject: str,
        generator: random.Random,
        over: threading.Event,
        habits: Habits,
    ) -> None:
        self.client, self.ledger, self.over, self.habits = client, ledger, over, habits
        self.generator, self.subject = generator, subject
        query = {"PROLIFIC_PID": subject, "STUDY_ID": "torture", "SESSION_ID": f"session-{subject}"}
        self.entry_path, self.entry_url = entry_path, f"{entry_path}?{urlencode(query)}"

    def go(self) -> None:
        """Go from the link to an end; whoever finds the study full waits for a place until all are completed.

        Raises:
            UnexpectedPageError: a page was not what it should be, or nobody answered for three minutes.
        """
        own = self.enter()
        if self.generator.random() < self.habits.opens_link_again and self.enter() != own:
            raise UnexpectedPageError(f"{self.subject} opened the link twice and became two participants.")
        token = own.strip("/").split("/")[-1]
        with self.ledger.lock:
            self.ledger.entered[self.subject] = token
        following = ""
        while True:
            page, following = following or self.page(own).text, ""
            forms = {_kind(form): form for form in find_forms(page)}
            if "answer" in forms:
                if self.generator.random() < self.habits.withdraws:
                    self.withdraw(own, token)
                    return
                following = self.answer(forms["answer"], token)
            elif "continue" in forms:
                self.send("POST", forms["continue"].action, forms["continue"].fields)
            elif COMPLETED_CODE in page:
                with self.ledger.lock:
                    self.ledger.completed.add(token)
                return
            elif FULL_CODE in page:
                if self.over.wait(0.3):
                    return
                self.enter()
            else:
                raise UnexpectedPageError(f"{own} shows neither a form nor an end.")

    def enter(self) -> str:
        """Open the entry link, give consent, and return the path of one's own page."""
        page = self.page(self.entry_url)
        form = next((form for form in find_forms(page.text) if form.action.startswith(self.entry_path)), None)
        if form is None:  # known already: the page leads back
            form = PageForm(self.entry_url, "post")
        response = self.send("POST", form.action, form.fields)
        location = response.headers.get("location", "")
        if response.status_code != httpx.codes.SEE_OTHER or not location.startswith("/p/"):
            raise UnexpectedPageError(f"Consent was answered with {response.status_code} {location}.")
        return str(location)

    def answer(self, form: PageForm, token: str) -> str:
        """Send an answer until it is acknowledged; then, now and then, try to replace it by another.

        Returns:
            The next trial, where it was asked for and came with the acknowledgement; "" otherwise.
        """
        nonce = form.action.rstrip("/").split("/")[-1]
        text = f"{self.generator.choice(WORDS)} {self.generator.randrange(10**6)}"
        confidence = self.generator.randint(1, 5)
        fields = form.fields | {"text": text, "confidence": str(confidence), "reaction_time_ms": "1234.5"}
        headers = {"Prefer": "return=representation"} if self.generator.random() < self.habits.takes_next else {}
        response = self.send("POST", form.action, fields, headers=headers)
        brings_next = "preference-applied" in response.headers
        if not brings_next and response.status_code != httpx.codes.SEE_OTHER:
            raise UnexpectedPageError(f"An answer to {nonce} was answered with {response.status_code}.")
        with self.ledger.lock:
            self.ledger.saved[nonce] = SavedAnswer(token, text, confidence)
        if self.generator.random() < self.habits.overwrites:
            self.send("POST", form.action, fields | {"text": "overwritten", "confidence": "1"})
            with self.ledger.lock:
                self.ledger.overwriting += 1
        return response.text if brings_next else ""

    def withdraw(self, own: str, token: str) -> None:
        """Withdraw, and note it once the server has said so."""
        response = self.send("POST", f"{own}withdraw/")
        if response.status_code != httpx.codes.SEE_OTHER:
            raise UnexpectedPageError(f"A withdrawal was answered with {response.status_code}.")
        with self.ledger.lock:
            self.ledger.withdrawn.add(token)

    def page(self, url: str) -> httpx.Response:
        """Return a page that must be there."""
        response = self.send("GET", url)
        if response.status_code != httpx.codes.OK:
            raise UnexpectedPageError(f"{url} was answered with {response.status_code}; expected 200.")
        return response

    def send(
        self, method: str, url: str, data: dict[str, str] | None = None, *, headers: dict[str, str] | None = None
    ) -> httpx.Response:
        """Send a request, again and again, until the server answers that it could do it or that it refuses for good."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                response = self.client.request(method, url, data=data, headers=headers)
            except httpx.TransportError:
                with self.ledger.lock:
                    self.ledger.sent_again += 1
            else:
                if response.status_code < httpx.codes.INTERNAL_SERVER_ERROR:
                    return response
                with self.ledger.lock:
                    self.ledger.refused[response.status_code] += 1
            time.sleep(self.generator.uniform(0.01, LONGEST_PAUSE_SECONDS))
        raise UnexpectedPageError(f"{method} {url}: no answer for {PATIENCE_SECONDS:.0f} s.")


def _kind(form: PageForm) -> str:
    return next((kind for kind in ("answer", "continue", "withdraw") if f"/{kind}/" in form.action), "other")
