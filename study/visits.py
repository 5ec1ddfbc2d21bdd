"""How simulated participants reach the pages: over plain HTTP, or (``study.browser_visits``) in a real browser."""

from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

import httpx

from study.forms_in_pages import PageForm

REQUEST_TIMEOUT_SECONDS = 60.0


class SimulationError(RuntimeError):
    """A simulated participant met a page that it should not have met; the message says which."""


@dataclass(frozen=True)
class VisitedPage:
    """A page as the visitor has it: the path that it was found at, and its HTML."""

    path: str
    text: str


class Visit(Protocol):
    """One person at the pages, with cookies of their own. Every method raises :class:`SimulationError`."""

    client: httpx.Client | None
    """For posts that no page offers, which the server has to refuse; None where only pages are used."""

    def open(self, address: str) -> VisitedPage:
        """Open an address of the server."""
        ...

    def submit(self, form: PageForm, fields: Mapping[str, str], *, twice: bool = False) -> VisitedPage:
        """Fill and send a form of the page that is open; `twice` presses the button twice at once."""
        ...


class Visits(Protocol):
    """Opens visits, one person after the other."""

    def begin(self, *, has_script: bool) -> AbstractContextManager[Visit]:
        """Begin the visit of the next person; `has_script`: whether JavaScript runs there."""
        ...


class HttpVisit:
    """One person over HTTP, as a browser without JavaScript would."""

    def __init__(self, client: httpx.Client) -> None:
        self.client: httpx.Client | None = client
        self._client = client

    def open(self, address: str) -> VisitedPage:
        """Open an address and follow where it leads."""
        return self._send("GET", address)

    def submit(self, form: PageForm, fields: Mapping[str, str], *, twice: bool = False) -> VisitedPage:
        """Send a form; the server must accept it and send us on."""
        data = form.fields | dict(fields)
        if not twice:
            return self._send("POST", form.action, data=data)
        with ThreadPoolExecutor(2) as pool:
            first, second = pool.map(lambda _number: self._send("POST", form.action, data=data), range(2))
        if first.path != second.path:
            raise SimulationError(f"Two clicks on one button led to {first.path} and to {second.path}.")
        return self._send("GET", second.path)

    def _send(self, method: str, url: str, data: Mapping[str, str] | None = None) -> VisitedPage:
        try:
            response = self._client.request(method, url, data=data)
        except httpx.HTTPError as error:
            raise SimulationError(f"{self._client.base_url} does not answer: {error}.") from error
        if response.status_code != httpx.codes.OK:
            raise SimulationError(f"{method} {url} was answered with {response.status_code}; expected 200.")
        return VisitedPage(response.url.path, response.text)


class HttpVisits:
    """Visits over HTTP to one server, over connections that are kept.

    Args:
        base_url: of a server that uses the same database and secret key.
        headers: sent with every request.
    """

    def __init__(self, base_url: str, *, headers: Mapping[str, str] | None = None) -> None:
        self._client = httpx.Client(
            base_url=base_url, headers=headers, timeout=REQUEST_TIMEOUT_SECONDS, follow_redirects=True
        )

    def __enter__(self) -> "HttpVisits":
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    @contextmanager
    def begin(self, *, has_script: bool) -> Iterator[Visit]:
        """Begin a visit without cookies. No script runs here either way; the walk makes up what it would measure."""
        self._client.cookies.clear()
        yield HttpVisit(self._client)
