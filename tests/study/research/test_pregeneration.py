"""Runs asked for in the browser: queued, worked on, cancelled, tried again. The worker is the real one."""

from datetime import timedelta

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from study.background.pregeneration import Reporter
from study.models import Pregeneration, PregenerationState
from study.presets import load_preset
from study.services.pregenerations import (
    CancelledError,
    PregenerationError,
    cancel_pregeneration,
    claim_pregeneration,
    finish_pregeneration,
    image_sources,
    report_progress,
    request_pregeneration,
    retry_pregeneration,
)
from study.services.studies import create_study

WANTED = {"source": "dataset:drawn-birds", "networks": "no-such-network", "preset": "fast", "arms": [], "per_class": 2}


@pytest.fixture
def draft(db):
    return create_study(load_preset("paper-2018"), slug="birds")


@pytest.fixture
def asked(draft):
    return request_pregeneration(draft, WANTED)


def work():
    """Run the worker until nothing is left to do."""
    call_command("db_worker", batch=True, interval=0, startup_delay=False, verbosity=0)


def test_a_request_is_stored_and_queued(draft, django_user_model):
    chief = django_user_model.objects.create_superuser("chief", password="x")
    browser = Client()
    browser.force_login(chief)
    page = browser.post(
        reverse("research:stimuli", args=["birds"]), WANTED | {"arms": ["random-regions"], "seed": 3}, follow=True
    )
    asked = Pregeneration.objects.get()
    assert page.request["PATH_INFO"] == reverse("research:pregeneration", args=["birds", asked.pk])
    assert (asked.state, asked.requested_by, asked.options["seed"]) == (PregenerationState.QUEUED, chief, 3)
    assert "Waiting for a worker" in page.content.decode()
    panel = browser.get(f"{page.request['PATH_INFO']}?panel=1").content.decode()
    assert 'data-part="stages"' in panel and "<html" not in panel


@pytest.mark.django_db(transaction=True)
def test_the_worker_says_in_one_line_what_is_wrong_and_a_retry_goes_on(settings, tmp_path):
    settings.VAR_DIRECTORY = tmp_path
    draft = create_study(load_preset("paper-2018"), slug="birds")
    asked = request_pregeneration(draft, WANTED)
    work()
    asked.refresh_from_db()
    assert asked.state == PregenerationState.FAILED
    assert "no-such-network" in asked.error and "\n" not in asked.error
    assert "attempt 1 begins" in asked.log
    retry_pregeneration(asked)
    asked.refresh_from_db()
    assert (asked.state, asked.attempt, asked.error) == (PregenerationState.QUEUED, 2, "")
    cancel_pregeneration(asked)
    work()  # the queued task finds nothing to do
    asked.refresh_from_db()
    assert asked.state == PregenerationState.CANCELLED


def test_only_this_server_s_images_may_be_used(draft, settings, tmp_path):
    settings.IMAGE_DIRECTORY = tmp_path
    (tmp_path / "dogs").mkdir()
    assert ("folder:dogs", "dogs") in image_sources()
    for source in ("folder:../../etc", "folder:cats", "dataset:imagenet", "/etc"):
        with pytest.raises(PregenerationError, match="no images"):
            request_pregeneration(draft, WANTED | {"source": source})
    assert request_pregeneration(draft, WANTED | {"source": "folder:dogs"}).options["images"] == str(tmp_path / "dogs")


def test_a_launched_study_gets_no_more_stimuli(draft):
    draft.state = "running"
    with pytest.raises(PregenerationError, match="only be added to a draft"):
        request_pregeneration(draft, WANTED)


def test_progress_is_stored_and_cancelling_stops_at_the_next_report(asked):
    running = claim_pregeneration(asked.pk, 1)
    reporter = Reporter(running)
    reporter.start("masks", 8)
    reporter.advance("masks", 3)
    reporter.finish("masks")
    asked.refresh_from_db()
    assert asked.stages == [{"name": "masks", "total": 8, "done": 8, "finished": True}]
    assert "masks: 8 to do" in asked.log
    cancel_pregeneration(asked)
    with pytest.raises(CancelledError):
        reporter.start("flow", 2)


def test_one_attempt_works_at_a_time(asked):
    assert claim_pregeneration(asked.pk, 1) is not None
    assert claim_pregeneration(asked.pk, 1) is None
    with pytest.raises(PregenerationError, match="waiting or running"):
        retry_pregeneration(asked)


def test_a_run_whose_worker_died_can_be_taken_over(asked):
    lost = claim_pregeneration(asked.pk, 1)
    Pregeneration.objects.filter(pk=asked.pk).update(heartbeat_at=timezone.now() - timedelta(hours=1))
    retry_pregeneration(asked)
    with pytest.raises(CancelledError):  # should the dead worker come back, it has nothing to say
        report_progress(lost, [])
    finish_pregeneration(lost, PregenerationState.SUCCEEDED)
    asked.refresh_from_db()
    assert (asked.state, asked.attempt) == (PregenerationState.QUEUED, 2)
    assert claim_pregeneration(asked.pk, 2) is not None


def test_what_is_done_is_not_done_again(asked):
    running = claim_pregeneration(asked.pk, 1)
    finish_pregeneration(running, PregenerationState.SUCCEEDED)
    with pytest.raises(PregenerationError, match="is done"):
        retry_pregeneration(asked)
    with pytest.raises(PregenerationError, match="nothing to cancel"):
        cancel_pregeneration(asked)
