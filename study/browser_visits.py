"""Simulated participants in a real browser: they see, fill and press what people do. Slow, so for a few of them.

Needs Playwright (requirements-dev.txt) and an installed Chromium. Loaded by the command with ``--browser`` only.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import httpx

from study.forms_in_pages import PageForm
from study.visits import SimulationError, Visit, VisitedPage

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Locator, Page

EXECUTABLES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking")
TIMEOUT_MILLISECONDS = 20_000
MEASURED_BY_THE_PAGE = frozenset({"reaction_time_ms", "client"})


class BrowserMissingError(RuntimeError):
    """There is no browser to simulate with, or no Playwright to steer it."""


class BrowserVisit:
    """One person at a page of a browser."""

    client: httpx.Client | None = None

    def __init__(self, page: "Page") -> None:
        self._page = page

    def open(self, address: str) -> VisitedPage:
        """Open an address, as if it had been typed."""
        from playwright.sync_api import Error

        try:
            response = self._page.goto(address)
        except Error as error:
            raise SimulationError(f"The browser could not open {address}: {error.message}") from error
        if response is not None and response.status != httpx.codes.OK:
            raise SimulationError(f"{address} was answered with {response.status}; expected 200.")
        return self._visited()

    def submit(self, form: PageForm, fields: Mapping[str, str], *, twice: bool = False) -> VisitedPage:
        """Fill the form as a person would and press its button, twice in quick succession where `twice`."""
        from playwright.sync_api import Error

        place = self._page.locator(f"form[action={json.dumps(form.action)}]").last
        try:
            for name, value in fields.items():
                if name not in MEASURED_BY_THE_PAGE and form.fields.get(name) != value:
                    self._fill(place, name, value)
            button = place.locator("[type=submit]").first
            if twice:
                # The second press may send the form again and replace the first navigation, which then never ends.
                # What is waited for is a new page, whichever press brought it, and then that the network is quiet.
                with self._page.expect_event("framenavigated"):
                    button.click(click_count=2, no_wait_after=True)
                self._page.wait_for_load_state("networkidle")
            else:
                with self._page.expect_navigation():
                    button.click(no_wait_after=True)
                self._page.wait_for_load_state("load")
        except Error as error:
            raise SimulationError(f"The browser could not send the form of {self._path()}: {error.message}") from error
        return self._visited()

    def _fill(self, place: "Locator", name: str, value: str) -> None:
        control = place.locator(f"[name={json.dumps(name)}]").first
        kind = control.evaluate("(control) => control.type")
        if kind in ("radio", "checkbox"):
            chosen = place.locator(f"[name={json.dumps(name)}][value={json.dumps(value)}]")
            identifier = chosen.get_attribute("id")
            label = place.locator(f"label[for={json.dumps(identifier)}]") if identifier else chosen
            label.first.click()
        elif kind == "select-one":
            control.select_option(value)
        else:
            control.fill(value)

    def _visited(self) -> VisitedPage:
        return VisitedPage(self._path(), self._page.content())

    def _path(self) -> str:
        return urlsplit(self._page.url).path


class BrowserVisits:
    """Visits in one browser, each in a profile of its own.

    Args:
        browser: a running one, of Playwright.
        base_url: of a server that uses the same database and secret key.
        headers: sent with every request.
    """

    def __init__(self, browser: "Browser", base_url: str, *, headers: Mapping[str, str] | None = None) -> None:
        self._browser = browser
        self._base_url = base_url
        self._headers = dict(headers or {})

    @contextmanager
    def begin(self, *, has_script: bool) -> Iterator[Visit]:
        """Begin a visit in a fresh profile, closed at the end."""
        context = self._browser.new_context(
            base_url=self._base_url, java_script_enabled=has_script, extra_http_headers=self._headers, locale="en"
        )
        context.set_default_timeout(TIMEOUT_MILLISECONDS)
        try:
            yield BrowserVisit(context.new_page())
        finally:
            context.close()


@contextmanager
def running_browser(executable: str = "") -> Iterator["Browser"]:
    """Start Chromium and yield it; `executable` is its path, or "" for the first one installed.

    Raises:
        BrowserMissingError: Playwright or Chromium is missing; the message says how to get it.
    """
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BrowserMissingError("Playwright is not installed: pip install -r requirements-dev.txt.") from error
    found = executable or next((path for name in EXECUTABLES if (path := shutil.which(name))), None)
    if found is None:
        raise BrowserMissingError("No Chromium was found. Install it (Debian: apt install chromium), or give its path.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=list(ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()
