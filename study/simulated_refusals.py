"""Posts that the server must refuse. Simulated participants send them, and say which one was not refused."""

from collections.abc import Sequence

import httpx

from study.forms_in_pages import PageForm
from study.models import Answer, Trial

KEPT_FIELDS = ("reaction_time_ms", "client")


class Refusals:
    """Must-fail posts around one trial's answer; methods return None for a post that was refused, else a complaint."""

    def __init__(self, client: httpx.Client, trial: Trial, form: PageForm, fields: dict[str, str]) -> None:
        self.client = client
        self.trial = trial
        self.form = form
        self.fields = fields

    def before_the_answer(self) -> Sequence[str | None]:
        """Send what must not work before the trial is answered."""
        return [self.empty(), self.later_trial()]

    def after_the_answer(self) -> Sequence[str | None]:
        """Send what must not work once the trial is answered."""
        return [self.again(), self.unknown_nonce()]

    def empty(self) -> str | None:
        """Leave every answer out: the server must ask for it and store nothing."""
        kept = {name: value for name, value in self.fields.items() if name in KEPT_FIELDS}
        response = self.client.post(self.form.action, data=self.form.fields | kept)
        if response.status_code == httpx.codes.UNPROCESSABLE_ENTITY and not self._answered():
            return None
        return f"Trial {self.trial.position}: an empty answer was not refused ({response.status_code})."

    def later_trial(self) -> str | None:
        """Answer a trial before its turn: the server must refuse it and store nothing."""
        later = self.trial.participant.trials.filter(position__gt=self.trial.position, task=self.trial.task).last()
        if later is None:
            return None
        response = self.client.post(self.form.action.replace(self.trial.nonce, later.nonce), data=self._data())
        if not Answer.objects.filter(trial=later).exists() and response.status_code in (
            httpx.codes.CONFLICT,
            httpx.codes.OK,  # where the answer does not fit that trial, the server only leads to the current one
        ):
            return None
        return f"Trial {later.position}: an answer before its turn was not refused ({response.status_code})."

    def again(self) -> str | None:
        """Send an answered trial again: the first answer must stand."""
        before = Answer.objects.filter(trial=self.trial).values().get()
        response = self.client.post(self.form.action, data=self._data())
        after = list(Answer.objects.filter(trial=self.trial).values())
        if response.status_code == httpx.codes.OK and after == [before]:
            return None
        return f"Trial {self.trial.position}: a second answer was not ignored ({response.status_code})."

    def unknown_nonce(self) -> str | None:
        """Answer a trial that does not exist: the server must say so and store nothing."""
        answers = Answer.objects.filter(trial__participant=self.trial.participant_id)
        before = answers.count()
        action = self.form.action.replace(self.trial.nonce, self.trial.nonce[::-1])
        response = self.client.post(action, data=self._data())
        if response.status_code == httpx.codes.CONFLICT and answers.count() == before:
            return None
        return f"Trial {self.trial.position}: an answer with an unknown nonce was not refused ({response.status_code})."

    def _data(self) -> dict[str, str]:
        return self.form.fields | self.fields

    def _answered(self) -> bool:
        return Answer.objects.filter(trial=self.trial).exists()
