"""People at their browsers, as one program: opens pages, posts answers, follows to the next page, and takes the time.

Run by `benchmarks.web` in a process of its own: it reads a `Load` as JSON from its input and prints a result as JSON.
It sends to 127.0.0.1 only. What an answer says is unique, so that lost and doubled answers can be counted afterwards.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
import time
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import aiohttp

ACTION = re.compile(r'<form[^>]*action="([^"]*)"')
HIDDEN = re.compile(r'<input type="hidden" name="(csrftoken)" value="(\d+)"')
PREFER = {"Prefer": "return=representation"}
"""What the pages of the study send; the other sites do not know it and lead on as ever."""
MOST_PAGES_BEFORE_TRIALS = 10
PATIENCE = aiohttp.ClientTimeout(total=120)


@dataclass(frozen=True)
class Load:
    """What to do.

    Attributes:
        site: `study`, `bare` or `otree`.
        entry: address of the first page; `{number}` stands for the participant's number.
        participants: how many come in all.
        concurrent: how many are there at once. Whoever finishes is replaced by the next.
        rounds: answers of each.
        think_seconds: how long people look before they answer, half of it to one and a half times, at random; 0: not
            at all, so the server decides the pace.
        seed: of the times to think.
        repeat_every: every so many answers are sent twice at once, as by a double click; 0: none.
    """

    site: str
    entry: str
    participants: int
    concurrent: int
    rounds: int
    think_seconds: float = 0.0
    seed: int = 0
    repeat_every: int = 0


class UnexpectedPageError(RuntimeError):
    """The site answered something else than the next page."""


@dataclass
class Record:
    """What happened: times in milliseconds, and the texts of answers that the site has taken."""

    posts: list[float] = field(default_factory=list)
    pages: list[float] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    """From sending an answer until the next page is there."""
    starts: list[float] = field(default_factory=list)
    """From opening the link until the first trial is there."""
    taken: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    finished: int = 0
    bytes_of_page: int = 0


class Person:
    """One participant with a browser of their own."""

    def __init__(self, load: Load, number: int, session: aiohttp.ClientSession, record: Record) -> None:
        self.load, self.number, self.session, self.record = load, number, session, record
        self.generator = random.Random(load.seed * 1_000_003 + number)
        self.url = ""
        self.page = ""

    async def take_part(self) -> None:
        """Go from the link to the last answer.

        Raises:
            UnexpectedPageError: a page was not as expected.
        """
        began = time.perf_counter()
        await self.get(self.load.entry.format(number=self.number))
        for _ in range(MOST_PAGES_BEFORE_TRIALS):
            if self.is_trial():
                break
            await self.get(await self.post(self.action(), {"go": "on"}))
        self.record.starts.append(1000 * (time.perf_counter() - began))
        for answered in range(self.load.rounds):
            await self.think()
            await self.answer(answered)
        if self.load.site == "study" and "/answer/" in self.page:
            raise UnexpectedPageError(f"{self.url} asks for more than {self.load.rounds} answers.")
        self.record.finished += 1

    async def think(self) -> None:
        """Look at the page for a while."""
        if self.load.think_seconds:
            await asyncio.sleep(self.load.think_seconds * self.generator.uniform(0.5, 1.5))

    def is_trial(self) -> bool:
        """Tell whether the page asks for an answer."""
        return self.load.site != "study" or "/answer/" in self.action()

    def action(self) -> str:
        """Return where the page's form posts to: its own address where it names none."""
        found = ACTION.search(self.page)
        return found[1] if found else self.url

    async def answer(self, answered: int) -> None:
        """Send one answer and open the next page.

        Raises:
            UnexpectedPageError: the page asks for none.
        """
        if not self.is_trial():
            raise UnexpectedPageError(f"{self.url} has no trial after {answered} answers.")
        text = f"p{self.number} r{answered}"
        choice = str(self.generator.randint(1, 5))
        fields = {"text": text, "confidence" if self.load.site == "study" else "choice": choice}
        if self.load.site == "otree":
            fields |= dict(HIDDEN.findall(self.page))
        self.record.bytes_of_page = max(self.record.bytes_of_page, len(self.page))
        action = self.action()
        number = self.number * self.load.rounds + answered
        twice = bool(self.load.repeat_every) and number % self.load.repeat_every == 0
        began = time.perf_counter()
        other = asyncio.create_task(self.post(action, fields)) if twice else None
        following = await self.post(action, fields)
        self.record.taken.append(text)
        posted = time.perf_counter()
        if following:
            await self.get(following)
        shown = time.perf_counter()
        self.record.posts.append(1000 * (posted - began))
        self.record.pages.append(1000 * (shown - posted))
        self.record.steps.append(1000 * (shown - began))
        if other is not None:
            await other

    async def get(self, url: str) -> None:
        """Open a page.

        Raises:
            UnexpectedPageError: there is none.
        """
        async with self.session.get(url) as response:
            self.page = await response.text()
            self.url = response.url.path_qs
            if response.status != 200:
                raise UnexpectedPageError(f"GET {url} was answered with {response.status}.")

    async def post(self, url: str, fields: dict[str, str]) -> str:
        """Send a form and return where the site leads; "" where the response brought the next page, as to a browser.

        Raises:
            UnexpectedPageError: it leads nowhere.
        """
        async with self.session.post(url, data=fields, headers=PREFER, allow_redirects=False) as response:
            text = await response.text()
            if "preference-applied" in response.headers:
                self.page = text
                return ""
            if response.status not in {302, 303}:
                raise UnexpectedPageError(f"POST {url} was answered with {response.status}.")
            target = urlsplit(response.headers["location"])
            return target.path + (f"?{target.query}" if target.query else "")


async def run(load: Load, address: str) -> Record:
    """Let everybody take part; each place is taken by one after the other."""
    record = Record()
    numbers = iter(range(load.participants))
    connector = aiohttp.TCPConnector(limit=0)

    async def place(index: int) -> None:
        if load.think_seconds:  # nobody comes at the same moment as everybody else
            await asyncio.sleep(load.think_seconds * index / load.concurrent)
        for number in numbers:
            async with aiohttp.ClientSession(
                address, connector=connector, connector_owner=False, timeout=PATIENCE
            ) as session:
                try:
                    await Person(load, number, session, record).take_part()
                except (UnexpectedPageError, aiohttp.ClientError, TimeoutError) as error:
                    record.errors.append(f"{type(error).__name__}: {error}"[:300])

    async with connector:
        await asyncio.gather(*(place(index) for index in range(load.concurrent)))
    return record


def percentiles(milliseconds: list[float]) -> dict[str, float]:
    """Return p50, p95, p99 and the largest; empty without any."""
    ordered = sorted(milliseconds)
    if not ordered:
        return {}
    at = {f"p{percent}": ordered[min(len(ordered) - 1, len(ordered) * percent // 100)] for percent in (50, 95, 99)}
    return {name: round(value, 1) for name, value in (at | {"max": ordered[-1]}).items()}


def main() -> None:
    order = json.load(sys.stdin)
    load, address = Load(**order["load"]), str(order["address"])
    if urlsplit(address).hostname != "127.0.0.1":
        raise SystemExit(f"Only 127.0.0.1 is put under load, not {address}.")
    began, worked = time.perf_counter(), time.process_time()
    record = asyncio.run(run(load, address))
    seconds = time.perf_counter() - began
    result = {
        "seconds": round(seconds, 2),
        "client_processor_seconds": round(time.process_time() - worked, 2),
        "finished": record.finished,
        "finished_per_second": round(record.finished / seconds, 2),
        "answers_per_second": round(len(record.taken) / seconds, 1),
        "post_ms": percentiles(record.posts),
        "page_ms": percentiles(record.pages),
        "step_ms": percentiles(record.steps),
        "start_ms": percentiles(record.starts),
        "bytes_of_page": record.bytes_of_page,
        "errors": record.errors[:5],
        "error_count": len(record.errors),
        "taken": record.taken,
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
