"""The world that requests are sent to."""

import logging

import pytest

from tests.study.fuzz.world import World


@pytest.fixture
def world(db, run_directory, tmp_path, take_part, django_user_model, monkeypatch):
    """Two studies, their people and accounts; what is refused is not logged, for it is thousands of lines."""
    for name in ("django.request", "django.security", "django.security.DisallowedHost", "axes", "study"):
        monkeypatch.setattr(logging.getLogger(name), "disabled", True)
    return World(run_directory, tmp_path, take_part, django_user_model.objects)
