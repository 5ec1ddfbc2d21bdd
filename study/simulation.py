"""Simulated participants: programs that walk through the real pages over real HTTP.

They test the platform, from consent to debrief, and fill a demonstration with answers that are marked as simulated in
the database, in the admin and in every export. Nothing they answer says anything about people or networks.
"""

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import urlencode

import httpx
import numpy as np
from django.conf import settings
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application

from study.forms_in_pages import PageForm, find_forms
from study.models import Answer, Participant, ParticipantState, Study, Trial
from study.questionnaires import get_questionnaire
from study.recruitment.simulated import simulation_pass
from study.simulated_people import SimulatedPerson, draw_person
from study.tasks import get_task

OTHER_FORM = re.compile("/(comprehension|questionnaire)/")
REQUEST_TIMEOUT_SECONDS = 60.0
MOST_PAGES = 2000


class SimulationError(RuntimeError):
    """A simulated participant met a page that it should not have met; the message says which."""


@dataclass
class SimulationResult:
    """What the simulated participants did: completed participants, answers, and must-fail posts that failed rightly."""

    completed: int = 0
    answers: int = 0
    refused_posts: int = 0


class QuietHandler(WSGIRequestHandler):
    """Serves requests without a line in the log for each."""

    def log_message(self, format: str, *args: object) -> None:
        """Drop the line."""


@contextmanager
def running_server() -> Iterator[str]:
    """Serve this project on a free port of this machine, in a thread, and yield its base URL."""
    server = ThreadedWSGIServer(("127.0.0.1", 0), QuietHandler)
    server.set_app(get_wsgi_application())
    thread = threading.Thread(target=server.serve_forever, name="simulation-server", daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


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
    base_url: str,
    headers: dict[str, str] | None = None,
    on_participant: Callable[[], None] = lambda: None,
) -> SimulationResult:
    """Walk `participants` simulated people through the study, one after the other.

    The server at `base_url` must use the same database and secret key. The first person also sends posts that the
    server has to refuse.

    Raises:
        SimulationError: the server did not do what it should.
    """
    result = SimulationResult()
    with httpx.Client(
        base_url=base_url, headers=headers, timeout=REQUEST_TIMEOUT_SECONDS, follow_redirects=True
    ) as client:
        for index in range(participants):
            generator = np.random.default_rng([seed, index])
            person = draw_person(study_seed=study.seed, generator=generator)
            client.cookies.clear()  # each person comes with a browser of their own
            Walk(study, client, person, generator, result, with_refused_posts=index == 0).go()
            on_participant()
    return result


class Walk:
    """One simulated person's way through the pages."""

    def __init__(
        self,
        study: Study,
        client: httpx.Client,
        person: SimulatedPerson,
        generator: np.random.Generator,
        result: SimulationResult,
        *,
        with_refused_posts: bool,
    ) -> None:
        self.study = study
        self.client = client
        self.person = person
        self.generator = generator
        self.result = result
        self.refused_posts_left = with_refused_posts

    def go(self) -> None:
        """Go from consent to debrief.

        Raises:
            SimulationError: a page was not as expected.
        """
        entry = f"{self.study.get_absolute_url()}?{urlencode({'simulation': simulation_pass(self.study)})}"
        page = self.send("GET", entry)
        page = self.submit(self.form(page, self.study.get_absolute_url()))
        for _ in range(MOST_PAGES):
            forms = find_forms(page.text)
            answer_form = next((form for form in forms if "/answer/" in form.action), None)
            continue_form = next((form for form in forms if "/continue/" in form.action), None)
            other_form = next((form for form in forms if OTHER_FORM.search(form.action)), None)
            if answer_form is not None:
                page = self.answer(page, answer_form)
            elif other_form is not None:
                page = self.submit(other_form, self.other_fields(other_form))
            elif continue_form is not None:
                page = self.submit(continue_form)
            else:
                break
        self.check_completed(page)

    def answer(self, page: httpx.Response, form: PageForm) -> httpx.Response:
        """Answer one trial, and now and then try what must not work."""
        trial = Trial.objects.select_related("stimulus__condition").get(nonce=form.action.rstrip("/").split("/")[-1])
        task = get_task(trial.task)
        fields = task.simulated_fields(self.person, trial, generator=self.generator)
        fields["reaction_time_ms"] = f"{self.reaction_time_ms():.1f}"
        if self.refused_posts_left:
            self.post_without_confidence(trial, form, fields)
        next_page = self.submit(form, fields)
        if not Answer.objects.filter(trial=trial).exists():
            raise SimulationError(f"Trial {trial.position}: the server took the answer but did not store it.")
        self.result.answers += 1
        if self.refused_posts_left:
            self.refused_posts_left = False
            self.post_again(trial, form, fields)
            self.post_with_unknown_nonce(trial, form, fields)
            next_page = self.send("GET", trial.participant.get_absolute_url())
        return next_page

    def other_fields(self, form: PageForm) -> dict[str, str]:
        """Return what this person sends with a page that is no trial: right answers, or made-up ones."""
        questionnaire = form.action.partition("/questionnaire/")[2].partition("/")[0]
        if questionnaire:
            return get_questionnaire(questionnaire).simulated_fields(generator=self.generator)
        tasks = [get_task(block.task) for block in self.study.task_blocks]
        return {question.key: question.right for task in tasks for question in task.comprehension_questions}

    def reaction_time_ms(self) -> float:
        """Draw a made-up reaction time; nobody waited that long."""
        return float(self.generator.lognormal(np.log(6500.0 - 1500.0 * self.person.diligence), 0.4))

    def post_without_confidence(self, trial: Trial, form: PageForm, fields: dict[str, str]) -> None:
        """Leave the confidence out: the server must ask for it and store nothing."""
        incomplete = {name: value for name, value in fields.items() if name != "confidence"}
        response = self.client.post(form.action, data=form.fields | incomplete)
        if response.status_code != httpx.codes.UNPROCESSABLE_ENTITY or Answer.objects.filter(trial=trial).exists():
            raise SimulationError(f"Trial {trial.position}: an answer without confidence was not refused.")
        self.result.refused_posts += 1

    def post_again(self, trial: Trial, form: PageForm, fields: dict[str, str]) -> None:
        """Send an answered trial again with other words: the first answer must stand."""
        before = Answer.objects.filter(trial=trial).values().get()
        other = {name: value for name, value in fields.items() if name != "no_common_part"} | {"text": "sent twice"}
        response = self.client.post(form.action, data=form.fields | other)
        if response.status_code != httpx.codes.OK or Answer.objects.filter(trial=trial).values().get() != before:
            raise SimulationError(f"Trial {trial.position}: a second answer was not ignored.")
        self.result.refused_posts += 1

    def post_with_unknown_nonce(self, trial: Trial, form: PageForm, fields: dict[str, str]) -> None:
        """Send an answer to a trial that does not exist: the server must say so and store nothing."""
        before = Answer.objects.filter(trial__participant=trial.participant_id).count()
        response = self.client.post(form.action.replace(trial.nonce, trial.nonce[::-1]), data=form.fields | fields)
        after = Answer.objects.filter(trial__participant=trial.participant_id).count()
        if response.status_code != httpx.codes.CONFLICT or before != after:
            raise SimulationError(f"Trial {trial.position}: an answer with an unknown nonce was not refused.")
        self.result.refused_posts += 1

    def check_completed(self, page: httpx.Response) -> None:
        """Check that the last page belongs to a completed, simulated participant and shows the code."""
        token = page.url.path.strip("/").split("/")[-1]
        participant = Participant.objects.filter(study=self.study, token=token).first()
        if participant is None or participant.state != ParticipantState.COMPLETED or not participant.simulated:
            raise SimulationError(f"Ended at {page.url.path}, which is no debrief of a simulated participant.")
        if self.study.completion_code(ParticipantState.COMPLETED) not in page.text:
            raise SimulationError("The debrief does not show the completion code.")
        self.result.completed += 1

    def form(self, page: httpx.Response, path: str) -> PageForm:
        """Return the page's form that posts to a path."""
        for form in find_forms(page.text):
            if form.action.startswith(path) and form.method == "post":
                return form
        raise SimulationError(f"{page.url.path} has no form that posts to {path}.")

    def submit(self, form: PageForm, fields: dict[str, str] | None = None) -> httpx.Response:
        """Fill and send a form; the server must accept it and send us on."""
        return self.send("POST", form.action, data=form.fields | (fields or {}))

    def send(self, method: str, url: str, data: dict[str, str] | None = None) -> httpx.Response:
        """Send a request and return the page that it leads to.

        Raises:
            SimulationError: there is no answer, or not a good one.
        """
        try:
            response = self.client.request(method, url, data=data)
        except httpx.HTTPError as error:
            raise SimulationError(f"{self.client.base_url} does not answer: {error}.") from error
        if response.status_code != httpx.codes.OK:
            raise SimulationError(f"{method} {url} was answered with {response.status_code}; expected 200.")
        return response
