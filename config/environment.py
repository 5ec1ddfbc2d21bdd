"""Settings that come from outside: environment variables and the secret key's file."""

import contextlib
import os
import secrets
import tempfile
from pathlib import Path

from django.core.exceptions import ImproperlyConfigured

TRUE_WORDS = frozenset({"1", "true", "yes", "on"})
FALSE_WORDS = frozenset({"", "0", "false", "no", "off"})
SHORTEST_SECRET = 50


def boolean(name: str, *, default: bool = False) -> bool:
    """Read an environment variable as true or false.

    Raises:
        ImproperlyConfigured: the value is neither a word for true nor one for false.
    """
    value = os.environ.get(name)
    if value is None:
        return default
    if value.strip().lower() in TRUE_WORDS:
        return True
    if value.strip().lower() in FALSE_WORDS:
        return False
    raise ImproperlyConfigured(f"{name} is {value!r}; expected 1 or 0.")


def whole_number(name: str, *, default: int) -> int:
    """Read an environment variable as a whole number, 0 or more.

    Raises:
        ImproperlyConfigured: the value is anything else.
    """
    value = os.environ.get(name, str(default)).strip()
    if not value.isdecimal():
        raise ImproperlyConfigured(f"{name} is {value!r}; expected a whole number, 0 or more.")
    return int(value)


def location(name: str) -> str:
    """Read an environment variable as a place on a web server, with a slash at both ends; empty where it is not set.

    Raises:
        ImproperlyConfigured: a slash is missing.
    """
    value = os.environ.get(name, "").strip()
    if value and not (value.startswith("/") and value.endswith("/")):
        raise ImproperlyConfigured(f"{name} is {value!r}; expected a slash at both ends, such as /pictures/.")
    return value


def words(name: str, *, default: str = "") -> list[str]:
    """Read an environment variable as a comma-separated list; empty items are dropped."""
    return [item.strip() for item in os.environ.get(name, default).split(",") if item.strip()]


def required_secret(name: str) -> str:
    """Return a secret that must come from the environment: at least 50 characters, as Django's deployment check asks.

    Raises:
        ImproperlyConfigured: the variable is missing, or too short to be a secret.
    """
    secret = os.environ.get(name, "")
    if len(secret) < SHORTEST_SECRET:
        raise ImproperlyConfigured(
            f"{name} has {len(secret)} characters; PRODUCTION=1 needs {SHORTEST_SECRET} or more, from the environment. "
            "Make one with: python3 -c 'import secrets; print(secrets.token_urlsafe(64))'"
        )
    return secret


def secret_key(path: Path, *, name: str = "SECRET_KEY") -> str:
    """Return a secret key: the variable `name` of the environment, else the content of a file made once with mode 600.

    Two processes that start at the same time agree on the key: the file is written aside and linked into place, and
    the first link wins.

    Raises:
        ImproperlyConfigured: the file is there but empty.
    """
    from_environment = os.environ.get(name, "")
    if from_environment:
        return from_environment
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile("w", dir=path.parent, prefix=f".{path.name}-") as draft:
            draft.write(secrets.token_urlsafe(64))
            draft.flush()
            os.fsync(draft.fileno())
            with contextlib.suppress(FileExistsError):  # another process was first; its key is the key
                os.link(draft.name, path)
    key = path.read_text().strip()
    if not key:
        raise ImproperlyConfigured(f"{path} is empty; delete it, or set {name} in the environment.")
    return key
