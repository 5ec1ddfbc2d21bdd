"""A participant's way through the real views and templates, without JavaScript."""

import json
from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from study.models import Answer, AnswerKind, Event, EventKind, Participant, ParticipantState, Phase, Slot, SlotState, Trial

from .conftest import Visitor  # noqa: TID252

pytestmark = pytest.mark.django_db
