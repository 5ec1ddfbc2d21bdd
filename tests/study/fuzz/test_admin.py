"""Hostile requests to the admin, by every role of one study and by strangers."""

from study.models import Role
from tests.study.fuzz.world import fuzz

REQUESTS = 4_000


def test_the_admin_s_addresses(world):
    actors = (*map(str, Role), "outsider", "stranger", "stranger", "superuser")
    fuzz(world, "admin", requests=REQUESTS, actors=actors)
