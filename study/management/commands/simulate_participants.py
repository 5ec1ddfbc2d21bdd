"""``manage.py simulate_participants``: programs take part over real HTTP. A test of the platform, never a finding."""

import os
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db.models import Q
from django.utils import timezone

from study.management.console import StageBars, console, print_table
from study.models import SlotState, Study
from study.simulated_kinds import KINDS, UnknownKindError, kinds_named
from study.simulation import SimulationError, headers_for_own_server, running_server, simulate
from study.visits import HttpVisits, Visits

STAGE = "simulated participants"


class Command(BaseCommand):
    """Walk simulated people through every page of a running study."""

    help = (
        "Let programs take part in a running study over HTTP. Their answers are marked as simulated everywhere; "
        "they test the platform and are never a finding."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        parser.add_argument("--study", required=True, metavar="SLUG")
        parser.add_argument("--participants", type=int, default=24)
        parser.add_argument(
            "--kinds",
            default="ordinary",
            help=f"comma-separated kinds that take turns, or all: {', '.join(KINDS)}",
        )
        parser.add_argument("--seed", type=int, default=0, help="makes habits and answers reproducible")
        parser.add_argument(
            "--base-url",
            metavar="URL",
            help="server with the same database and secret key; by default one is started for the purpose",
        )
        parser.add_argument(
            "--browser",
            nargs="?",
            const="",
            metavar="CHROMIUM",
            help="let them use a real browser, which is slow; the path of Chromium, or nothing for the one installed",
        )
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Simulate, and turn what can go wrong into one line that says what to do."""
        target = console(self.stdout, quiet=options["quiet"])
        study = ready_study(options["study"], participants=options["participants"])
        own_server = options["base_url"] is None
        server = running_server() if own_server else nullcontext(options["base_url"].rstrip("/"))
        try:
            kinds = kinds_named(options["kinds"])
        except UnknownKindError as error:
            raise CommandError(str(error)) from error
        try:
            headers = headers_for_own_server() if own_server else None
            with (
                server as base_url,
                visits_to(base_url, headers=headers, browser=options["browser"]) as visits,
                StageBars(target) as bars,
            ):
                bars.start(STAGE, options["participants"])
                result = simulate(
                    study,
                    participants=options["participants"],
                    seed=options["seed"],
                    visits=visits,
                    kinds=kinds,
                    on_participant=lambda: bars.advance(STAGE),
                )
                bars.finish(STAGE)
        except SimulationError as error:
            raise CommandError(f"The simulation stopped. {error}") from error
        target.print(
            f"{result.completed} programs completed the study with {result.answers} answers; "
            f"{result.refused_posts} posts that had to be refused were refused. Simulated, so no finding.",
            soft_wrap=True,
        )
        if len(kinds) > 1:
            rows = [
                [kind.name, kind.does, state, number]
                for kind in kinds
                for (name, state), number in sorted(result.ends.items())
                if name == kind.name
            ]
            print_table(target, "How each kind ended", ("kind", "what it does", "state", "participants"), rows)


@contextmanager
def visits_to(base_url: str, *, headers: dict[str, str] | None, browser: str | None) -> Iterator[Visits]:
    """Yield visits to a server: over HTTP, or in the browser at a path ("" for the one installed).

    Raises:
        CommandError: there is no browser.
    """
    if browser is None:
        with HttpVisits(base_url, headers=headers) as visits:
            yield visits
        return
    # Playwright keeps an event loop in this thread, where Django would refuse its own look-ups in the database.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    from study.browser_visits import BrowserMissingError, BrowserVisits, running_browser

    try:
        with running_browser(browser) as running:
            yield BrowserVisits(running, base_url, headers=headers)
    except BrowserMissingError as error:
        raise CommandError(str(error)) from error


def ready_study(slug: str, *, participants: int) -> Study:
    """Return a running study with enough room and without people.

    Raises:
        CommandError: there is no such study, people take part in it, or it has too few slots left.
    """
    study = Study.objects.filter(slug=slug).first()
    if study is None:
        raise CommandError(f"No study {slug!r}; create it first: manage.py create_study --slug {slug}.")
    if participants < 1:
        raise CommandError(f"--participants is {participants}; expected at least 1.")
    if not study.takes_participants:
        raise CommandError(f"Study {slug!r} is {study.state}; launch it first: manage.py import_stimuli RUN --launch.")
    people = study.participants.filter(simulated=False).count()
    if people:
        raise CommandError(
            f"People take part in study {slug!r} ({people} so far); simulate in a study of its own, so that no program "
            "takes a person's place."
        )
    free = study.slots.filter(
        Q(state=SlotState.FREE) | Q(state=SlotState.CLAIMED, lease_expires_at__lt=timezone.now())
    ).count()
    if participants > free:
        raise CommandError(
            f"Study {slug!r} has {free} places left for {participants} simulated participants; ask for fewer, or "
            "create a study with more: manage.py create_study --participants N."
        )
    return study
