"""Simulated participants: programs that walk through the real pages over real HTTP.

They test the platform, from consent to debrief, and fill a demonstration with answers that are marked as simulated in
the database, in the admin and in every export. Nothing they answer says anything about people or networks.
"""

import logging
import re
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import numpy as np
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from study.forms_in_pages import PageForm, find_forms
from study.models import Answer, Participant, ParticipantState, Study, Trial
from study.questionnaires import get_questionnaire
from study.recruitment.simulated import simulation_pass
from study.services.slots import expire_simulated_lease
from study.simulated_kinds import KINDS, Kind
from study.simulated_people import SimulatedPerson
from study.simulated_refusals import Refusals
from study.tasks import get_task
from study.visits import SimulationError, Visit, VisitedPage, Visits

__all__ = ["SimulationError", "SimulationResult", "headers_for_own_server", "running_server", "simulate"]

OTHER_FORM = re.compile("/(comprehension|questionnaire)/")
MOST_PAGES = 2000
ORDINARY = (KINDS["ordinary"],)


@dataclass
class SimulationResult:
    """What the simulated participants did.

    Attributes:
        completed: participants who reached the debrief.
        answers: answers that were committed, also those that a withdrawal deleted again.
        refused_posts: must-fail posts that failed rightly.
        ends: how many of each kind ended in each state.
    """

    completed: int = 0
    answers: int = 0
    refused_posts: int = 0
    ends: Counter[tuple[str, str]] = field(default_factory=Counter)


class QuietHandler(WSGIRequestHandler):
    """Serves requests without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the line."""


@contextmanager
def running_server() -> Iterator[str]:
    """Serve this project on a free port of this machine, in a thread, and yield its base URL.

    Meanwhile refused requests are not logged: simulated participants send some that have to be refused.
    """
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(get_wsgi_application())  # which sets logging up anew, so the level is changed after it
    refusals = logging.getLogger("django.request")
    level_before = refusals.level
    refusals.setLevel(logging.ERROR)
    thread = threading.Thread(target=server.serve_forever, name="simulation-server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
        refusals.setLevel(level_before)


def headers_for_own_server() -> dict[str, str]:
    """Return headers with which a server of this project, started here, answers as it would behind its proxy."""
    headers = {}
    hosts = [host for host in settings.ALLOWED_HOSTS if host != "*"]
    if hosts and "127.0.0.1" not in hosts:
        headers["Host"] = hosts[0].lstrip(".")
    if settings.SECURE_SSL_REDIRECT:
        headers["X-Forwarded-Proto"] = "https"
    return headers


def simulate(
    study: Study,
    *,
    participants: int,
    seed: int,
    visits: Visits,
    kinds: Sequence[Kind] = ORDINARY,
    on_participant: Callable[[], None] = lambda: None,
) -> SimulationResult:
    """Walk `participants` simulated people through the study, one after the other; the kinds take turns.

    The server that `visits` go to must use the same database and secret key. Where visits can send what no page offers,
    the first person of each kind also sends posts that the server has to refuse.

    Raises:
        SimulationError: the server did not do what it should.
    """
    result = SimulationResult()
    for index in range(participants):
        generator = np.random.default_rng([seed, index])
        kind = kinds[index % len(kinds)]
        with visits.begin(has_script=kind.has_script) as visit:
            Walk(study, visit, kind, generator, result, with_refused_posts=index < len(kinds)).go()
        on_participant()
    return result


class Walk:
    """One simulated person's way through the pages."""

    def __init__(
        self,
        study: Study,
        visit: Visit,
        kind: Kind,
        generator: np.random.Generator,
        result: SimulationResult,
        *,
        with_refused_posts: bool,
    ) -> None:
        self.study = study
        self.visit = visit
        self.kind = kind
        self.generator = generator
        self.person: SimulatedPerson = kind.draw_person(study_seed=study.seed, generator=generator)
        self.result = result
        self.refused_posts_left = with_refused_posts
        self.habit = int(generator.integers(2**31))

    def go(self) -> None:
        """Go from consent to the end that this kind has.

        Raises:
            SimulationError: a page was not as expected.
        """
        entry = f"{self.study.get_absolute_url()}?{urlencode({'simulation': simulation_pass(self.study)})}"
        page = self.visit.open(entry)
        page = self.submit(self.form(page, self.study.get_absolute_url()))
        participant = self.participant(page)
        for _ in range(MOST_PAGES):
            forms = find_forms(page.text)
            answer_form = next((form for form in forms if "/answer/" in form.action), None)
            other_form = next((form for form in forms if OTHER_FORM.search(form.action)), None)
            continue_form = next((form for form in forms if "/continue/" in form.action), None)
            if answer_form is not None:
                if self.stops(participant):
                    break
                page = self.answer(answer_form)
            elif other_form is not None:
                page = self.submit(other_form, self.other_fields(other_form))
            elif continue_form is not None:
                page = self.submit(continue_form)
            else:
                break
        self.check_end(participant, page)

    def stops(self, participant: Participant) -> bool:
        """Do what this kind does half-way; True when it goes no further."""
        answered = Answer.objects.filter(trial__participant=participant).count()
        share = answered / max(1, participant.trials_planned)
        if self.kind.leaves_at is not None and share >= self.kind.leaves_at:
            return True
        if self.kind.withdraws_at is not None and share >= self.kind.withdraws_at:
            page = self.visit.open(f"{participant.get_absolute_url()}withdraw/")
            self.submit(self.form(page, participant.get_absolute_url()))
            return True
        if self.kind.returns_late_at is not None and answered == round(
            self.kind.returns_late_at * participant.trials_planned
        ):
            expire_simulated_lease(participant)
        return False

    def answer(self, form: PageForm) -> VisitedPage:
        """Answer one trial, and now and then try what must not work."""
        trial = Trial.objects.select_related("stimulus__condition", "participant").get(
            nonce=form.action.rstrip("/").split("/")[-1]
        )
        task = get_task(trial.task)
        generator = np.random.default_rng(self.habit) if self.kind.same_answer else self.generator
        fields = task.simulated_fields(self.person, trial, generator=generator)
        if self.kind.has_script:
            fields["reaction_time_ms"] = f"{self.reaction_time_ms():.1f}"
        client = self.visit.client if self.refused_posts_left else None
        refusals = None if client is None else Refusals(client, trial, form, fields)
        if refusals is not None:
            self.count(refusals.before_the_answer())
        next_page = self.submit(form, fields)
        if not Answer.objects.filter(trial=trial).exists():
            raise SimulationError(f"Trial {trial.position}: the server took the answer but did not store it.")
        self.result.answers += 1
        if refusals is not None:
            self.refused_posts_left = False
            self.count(refusals.after_the_answer())
            next_page = self.visit.open(trial.participant.get_absolute_url())
        return next_page

    def count(self, complaints: Sequence[str | None]) -> None:
        """Count posts that were refused rightly.

        Raises:
            SimulationError: one was not.
        """
        for complaint in complaints:
            if complaint is not None:
                raise SimulationError(complaint)
            self.result.refused_posts += 1

    def other_fields(self, form: PageForm) -> dict[str, str]:
        """Return what this person sends with a page that is no trial: answers to a questionnaire, or comprehension."""
        questionnaire = form.action.partition("/questionnaire/")[2].partition("/")[0]
        if questionnaire:
            return get_questionnaire(questionnaire).simulated_fields(generator=self.generator)
        questions = [
            question for block in self.study.task_blocks for question in get_task(block.task).comprehension_questions
        ]
        if self.kind.passes_comprehension:
            return {question.key: question.right for question in questions}
        return {question.key: next(iter(question.options)) for question in questions}

    def reaction_time_ms(self) -> float:
        """Draw a made-up reaction time; nobody waited that long."""
        return float(self.generator.lognormal(np.log(6500.0 - 1500.0 * self.person.diligence), 0.4))

    def check_end(self, participant: Participant, page: VisitedPage) -> None:
        """Check that this kind ended as it should, marked as simulated, with its code where it completed."""
        participant.refresh_from_db()
        state = ParticipantState(participant.state)
        if not participant.simulated or state not in self.kind.ends:
            raise SimulationError(
                f"A participant of the kind {self.kind.name!r} ended at {page.path} as {state}, expected "
                f"{' or '.join(sorted(self.kind.ends))}; simulated: {participant.simulated}."
            )
        if state == ParticipantState.COMPLETED:
            if self.study.completion_code(state) not in page.text:
                raise SimulationError("The debrief does not show the completion code.")
            self.result.completed += 1
        if state == ParticipantState.WITHDRAWN and participant.trials.exists():
            raise SimulationError("A participant withdrew, but the trials are still there.")
        self.result.ends[self.kind.name, state.value] += 1

    def participant(self, page: VisitedPage) -> Participant:
        """Return the participant whose page this is.

        Raises:
            SimulationError: it is nobody's.
        """
        token = page.path.strip("/").split("/")[-1]
        participant = Participant.objects.filter(study=self.study, token=token).first()
        if participant is None:
            raise SimulationError(f"Consent led to {page.path}, which is no participant's page.")
        return participant

    def form(self, page: VisitedPage, path: str) -> PageForm:
        """Return the page's form that posts to a path.

        Raises:
            SimulationError: there is none.
        """
        for form in find_forms(page.text):
            if form.action.startswith(path) and form.method == "post":
                return form
        raise SimulationError(f"{page.path} has no form that posts to {path}.")

    def submit(self, form: PageForm, fields: dict[str, str] | None = None) -> VisitedPage:
        """Fill and send a form, twice at once where this kind does; the server must accept it and send us on."""
        return self.visit.submit(form, fields or {}, twice=self.kind.clicks_twice)
