"""Addresses that are filled in are those that Django would make."""

import pytest
from django.urls import NoReverseMatch, reverse, set_script_prefix
from hypothesis import given
from hypothesis import strategies as st

from study.addresses import participant_address

TOKENS = st.text("ABCXYZabcxyz0189_-", min_size=1, max_size=32)


@given(token=TOKENS, nonce=TOKENS)
def test_they_are_what_reverse_says(token, nonce):
    assert participant_address("participant", token=token) == reverse("study:participant", args=[token])
    both = {"token": token, "nonce": nonce}
    assert participant_address("answer", **both) == reverse("study:answer", kwargs=both)


def test_a_token_may_look_like_a_place():
    both = {"token": "place-of-nonce", "nonce": "place-of-token"}
    assert participant_address("answer", **both) == reverse("study:answer", kwargs=both)


def test_they_follow_the_prefix_that_is_in_force():
    plain = participant_address("events", token="t")
    set_script_prefix("/{studies}/")
    try:
        assert participant_address("events", token="t") == f"/%7Bstudies%7D{plain}"
    finally:
        set_script_prefix("/")


@pytest.mark.parametrize("tokens", [{}, {"token": "t", "nonce": "n"}, {"study": "s"}])
def test_other_tokens_than_the_page_has_are_refused(tokens):
    with pytest.raises(NoReverseMatch):
        participant_address("participant", **tokens)
