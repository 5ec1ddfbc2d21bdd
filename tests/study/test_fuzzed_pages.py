"""Whatever is sent to a participant's addresses: never an error of ours, never a row without a token."""

import json
import string

import pytest
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from study.models import Answer, Event, Participant, QuestionnaireAnswer

pytestmark = pytest.mark.django_db

EXAMPLES = 25
ANY_TEXT = st.text(max_size=60)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY_TEXT | st.just("\x00") | st.just(10**400),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(ANY_TEXT, inner, max_size=3),
    max_leaves=6,
)
EVENT = st.fixed_dictionaries(
    {"kind": st.sampled_from(["blur", "paste", "second-tab", "completed"]) | JSON_VALUES},
    optional={"detail": JSON_VALUES},
)
FIELDS = st.dictionaries(
    st.sampled_from(["text", "confidence", "no_common_part", "reaction_time_ms", "client", "attempt", "what", "events"])
    | ANY_TEXT,
    st.sampled_from(
        [
            "1",
            "4",
            "wing",
            "NaN",
            "-1e999",
            '{"blur_ms": 1e999, "input_type": "\\u0000"}',
            "\ud800".encode("utf-8", "replace").decode(),
        ]
    )
    | ANY_TEXT,
    max_size=5,
)
OWN_PAGES = (
    "",
    "continue/",
    "comprehension/",
    "events/",
    "heartbeat/",
    "answer/{nonce}/",
    "questionnaire/comments/after/",
)
SOME_TOKEN = st.text(string.ascii_letters + string.digits + "-_%./\x00é", min_size=1, max_size=30)
quietly = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)


def rows():
    return [model.objects.count() for model in (Participant, Answer, Event, QuestionnaireAnswer)]


@given(data=st.data())
def _send_anything(study, visitor, data):
    participant = visitor.participant
    trial = participant.trials.filter(answer=None).order_by("position").first()
    page = data.draw(st.sampled_from(OWN_PAGES)).format(nonce=trial.nonce if trial else "x")
    path = f"{participant.get_absolute_url()}{page}"
    method = data.draw(st.sampled_from(["get", "post", "post", "post", "head", "put"]))
    if page == "events/" and method == "post":
        body = data.draw(st.lists(EVENT, max_size=3).map(json.dumps) | st.binary(max_size=60))
        response = Client().generic(
            "POST", path, body, content_type=data.draw(st.sampled_from(["application/json", "x"]))
        )
    elif method == "post":
        response = Client().post(path, data.draw(FIELDS))
    else:
        response = getattr(Client(), method)(path)
    assert response.status_code < 500


def test_nothing_that_a_participant_sends_is_an_error_of_ours(study, visitor):
    visitor.enter(study)
    visitor.go_on()
    quietly(_send_anything)(study, visitor)


def test_thousands_of_brackets_are_no_error_of_ours(study, visitor):
    visitor.enter(study)
    visitor.go_on()
    events = f"{visitor.participant.get_absolute_url()}events/"
    assert Client().post(events, "[" * 16_000, content_type="application/json").status_code == 400
    visitor.answer(client="[" * 4_000)
    assert Answer.objects.get().input_details == {}


def test_without_a_token_nothing_is_written(study, visitor):
    visitor.enter(study)
    before = rows()

    @quietly
    @given(token=SOME_TOKEN, page=st.sampled_from(OWN_PAGES), fields=FIELDS)
    def send(token, page, fields):
        path = f"/p/{token}/{page.format(nonce=token)}"
        if token != visitor.participant.token:
            assert Client().post(path, fields).status_code in {404, 405}
            assert Client().get(path).status_code in {404, 405}

    send()
    assert rows() == before


def test_any_entry_link_is_answered(study):
    @quietly
    @given(
        query=st.dictionaries(
            st.sampled_from(
                [
                    "PROLIFIC_PID",
                    "assignmentId",
                    "hitId",
                    "workerId",
                    "turkSubmitTo",
                    "participantId",
                    "lab",
                    "preview",
                    "simulation",
                    "attempt",
                    "language",
                ]
            )
            | ANY_TEXT,
            ANY_TEXT | st.just("ASSIGNMENT_ID_NOT_AVAILABLE") | st.just("\x00"),
            max_size=5,
        )
    )
    def open_link(query):
        before = Participant.objects.count()
        assert Client().get(study.get_absolute_url(), query).status_code in {200, 400, 403}
        assert Participant.objects.count() == before
        assert Client().post(study.get_absolute_url(), query_params=query).status_code in {303, 400, 403}

    open_link()
