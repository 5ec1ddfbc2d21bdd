"""Hostile requests to the researchers' pages, by every role of one study and by strangers."""

from study.models import Role
from tests.study.fuzz.world import FOREIGN, SECRET, fuzz

REQUESTS = 5_000


def test_researchers_addresses(world):
    actors = (*map(str, Role), "outsider", "stranger", "stranger", "superuser")
    fuzz(world, "research", requests=REQUESTS, actors=actors)


def test_the_other_study_holds_what_the_checks_look_for(world):
    """A check that looks for words that are nowhere could not fail."""
    superuser = world.clients["superuser"]
    answers = b"".join(superuser.get("/research/s/other/data/responses_long.csv").streaming_content)
    assert SECRET in answers and FOREIGN in answers
    assert FOREIGN in superuser.get("/research/s/other/stimuli/").content
    assert SECRET in superuser.get(f"/p/{world.others[0].token}/").content.lower()
