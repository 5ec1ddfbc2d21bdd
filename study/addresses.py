"""Addresses of participants' pages, which every page names again and again."""

from functools import lru_cache

from django.urls import get_script_prefix, reverse

PLACE = "place-of-{}"


def participant_address(page: str, **tokens: str) -> str:
    """Return the address of a page: what `reverse` says of it, with the tokens where they belong.

    Tokens and nonces stand in an address as they are, so the address is asked for once and filled in from then on.

    Args:
        page: the page's name among the study's addresses.
        tokens: `token` and, where the page has one, `nonce`.

    Raises:
        NoReverseMatch: there is no such page, or it has other tokens.
    """
    return _address_with_places(get_script_prefix(), page, tuple(tokens)).format_map(tokens)


@lru_cache(maxsize=256)
def _address_with_places(_script_prefix: str, page: str, names: tuple[str, ...]) -> str:
    """Return the address as a format string; `reverse` leaves no brace in it, so all of them are ours."""
    address = reverse(f"study:{page}", kwargs={name: PLACE.format(name) for name in names})
    for name in names:
        address = address.replace(PLACE.format(name), f"{{{name}}}")
    return address
