"""Hostile requests to participants' addresses: no error of ours, nothing of another study, no row without a token."""

from collections import Counter

from tests.study.fuzz.hostile import all_addresses
from tests.study.fuzz.world import ANONYMOUS, fuzz, group_of

REQUESTS = 11_000


def test_participants_addresses(world):
    fuzz(world, "participants", requests=REQUESTS, actors=(*ANONYMOUS, "analyst"))


def test_every_address_of_the_site_belongs_to_one_of_these_tests():
    groups = Counter(group_of(address) for address in all_addresses())
    assert set(groups) == {"participants", "research", "admin"}
    assert all(number >= 10 for number in groups.values())
