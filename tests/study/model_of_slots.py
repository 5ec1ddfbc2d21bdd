"""A simple model of a study in memory: who holds which slot, who is in which state, what was answered.

The state machine in `test_state_machine.py` does everything twice, on this model and on the real platform. The model
says in plain loops what the services say in conditional updates; it knows nothing of databases, pages or transactions.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

COUNTED = {"consented", "active", "completed"}


@dataclass
class Place:
    """A slot: its cells, its holder, and until when it is held; completed slots have no end."""

    number: int
    cells: list[str]
    state: str = "free"
    holder: "Person | None" = None
    expires: datetime | None = None


@dataclass(eq=False)
class Person:
    """A participant; `place` is the slot whose stimuli they see, held or lost; `answers` by position."""

    state: str = "new"
    place: Place | None = None
    active: bool = False
    served: bool = False
    returned: bool = False
    answers: dict[int, str] = field(default_factory=dict)

    @property
    def position(self) -> int:
        """Position of the trial whose turn it is."""
        return len(self.answers) + 1


class Model:
    """The study. Every method does what somebody did at `self.now`."""

    def __init__(
        self, cells: list[list[str]], *, lease: timedelta, trials: int, quota: int | None, now: datetime
    ) -> None:
        self.places = [Place(number, own) for number, own in enumerate(cells, start=1)]
        self.people: list[Person] = []
        self.lease, self.trials, self.quota, self.now = lease, trials, quota, now

    def join(self) -> Person:
        """Somebody new consents."""
        person = Person()
        self.people.append(person)
        self._admit(person)
        return person

    def consent_again(self, person: Person) -> None:
        """The same form, or the same link, once more: matters only to somebody who found the study full."""
        if person.state == "over_quota":
            self._admit(person)

    def look(self, person: Person) -> None:
        """Somebody opens the page; who was away comes back, and a trial is served."""
        self._come_back(person)
        if person.state == "active":
            person.served = True
            self._renew(person)

    def go_on(self, person: Person) -> None:
        """Somebody leaves the instructions."""
        if person.state == "consented" and not person.active:
            person.state, person.active = "active", True
            self._renew(person)

    def answer(self, person: Person, position: int, text: str) -> str:
        """Somebody sends an answer; return whether it was taken, stands already, or came out of turn."""
        if person.state == "withdrawn":
            return "outdated"
        self._come_back(person)
        if position == person.position and person.state == "active" and person.served:
            person.answers[position] = text
            person.served = False
            if person.position <= self.trials:
                self._renew(person)
            else:
                person.state = "completed"
                place = self.held(person)
                if place is not None:
                    place.state, place.expires = "completed", None
            return "taken"
        return "stands" if position in person.answers else "outdated"

    def live(self, person: Person) -> bool:
        """The page gives a sign of life; tell whether there is a place to keep."""
        return self._renew(person)

    def return_submission(self, person: Person) -> None:
        """The recruiter says that the submission was returned."""
        if person.returned or person.state == "withdrawn":
            return
        person.returned = True
        if person.state in {"consented", "active", "timed_out"}:
            self._release(person)
            person.state = "returned"

    def time_out(self, person: Person) -> None:
        """The recruiter says that the time was up."""
        if person.state in {"consented", "active"}:
            self._release(person)
            person.state = "timed_out"

    def withdraw(self, person: Person) -> None:
        """Somebody withdraws."""
        self._release(person)
        person.state = "withdrawn"
        person.answers = {}

    def sweep(self) -> None:
        """Slots whose lease is over come back."""
        for place in self.places:
            if place.state == "claimed" and place.expires < self.now:
                loser = place.holder
                place.state, place.holder, place.expires = "free", None, None
                self._lose(loser)

    def held(self, person: Person) -> Place | None:
        """Return the slot that somebody holds."""
        return next((place for place in self.places if place.holder is person), None)

    def trials_per_cell(self) -> dict[str, int]:
        """Return the trials of everybody who counts, by cell."""
        counts: Counter[str] = Counter()
        for person in self.people:
            if person.state in COUNTED:
                counts.update(person.place.cells)
        return dict(counts)

    def _admit(self, person: Person) -> None:
        for place in self.places:
            expired = place.state == "claimed" and place.expires < self.now
            if (place.state == "free" or expired) and self._has_room(place):
                loser = place.holder
                place.state, place.holder, place.expires = "claimed", person, self.now + self.lease
                if loser is not None:
                    self._lose(loser)
                person.state, person.place = "consented", place
                return
        person.state = "over_quota"

    def _has_room(self, place: Place) -> bool:
        if self.quota is None:
            return True
        counts = Counter(self.trials_per_cell())
        if place.holder is not None:  # who takes this place takes the holder's trials, not further ones
            counts.subtract(place.cells)
        counts.update(place.cells)
        return all(counts[cell] <= self.quota for cell in place.cells)

    def _come_back(self, person: Person) -> None:
        if person.state != "timed_out":
            return
        if person.place.state == "free":
            person.place.state, person.place.holder = "claimed", person
            person.place.expires = self.now + self.lease
        person.state = "active" if person.active else "consented"

    def _renew(self, person: Person) -> bool:
        place = self.held(person)
        if place is None or place.state != "claimed":
            return False
        place.expires = self.now + self.lease
        return True

    def _release(self, person: Person) -> None:
        place = self.held(person)
        if place is not None:
            place.state, place.holder, place.expires = "free", None, None

    def _lose(self, person: Person) -> None:
        if person.state in {"consented", "active"}:
            person.state = "timed_out"
