"""An oTree app that asks the same: one page with one text and one choice, so many rounds; run by its production server.

oTree (MIT) has requirements of its own, so it lives in an environment of its own, `var/otree` unless another is named.
With SQLite oTree keeps its database in memory and writes it to disk when it stops.
"""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

from benchmarks.servers import ROOT, Server

OTREE = "otree==6.0.15"
KEY = "benchmark"
SETTINGS = """
SESSION_CONFIGS = [dict(name="rounds", app_sequence=["rounds"], num_demo_participants=1)]
SESSION_CONFIG_DEFAULTS = dict(real_world_currency_per_point=1.0, participation_fee=0.0)
LANGUAGE_CODE = "en"
REAL_WORLD_CURRENCY_CODE = "USD"
USE_POINTS = True
ADMIN_USERNAME = "admin"
ADMIN_PASSWORD = "benchmark"
SECRET_KEY = "benchmark"
"""
APP = """
from otree.api import *


class C(BaseConstants):
    NAME_IN_URL = "rounds"
    PLAYERS_PER_GROUP = None
    NUM_ROUNDS = {rounds}


class Subsession(BaseSubsession):
    pass


class Group(BaseGroup):
    pass


class Player(BasePlayer):
    text = models.StringField(label="One or two words")
    choice = models.IntegerField(
        label="How sure are you?", choices=[[n, str(n)] for n in range(1, 6)], widget=widgets.RadioSelect
    )


class Answer(Page):
    form_model = "player"
    form_fields = ["text", "choice"]


page_sequence = [Answer]
"""
PAGE = """{{ block title }}What do the highlighted regions have in common?{{ endblock }}
{{ block content }}
{{ formfields }}
{{ next_button }}
{{ endblock }}
"""
READY_WITHIN = 60.0


def otree_command(directory: Path) -> Path:
    """Return oTree's command in the environment of a directory; the environment is made where it is missing."""
    command = directory / "bin" / "otree"
    if not command.exists():
        print(f"Installing {OTREE} into {directory}", file=sys.stderr)
        subprocess.run([sys.executable, "-m", "venv", str(directory)], check=True)  # noqa: S603
        pip = [str(directory / "bin" / "python"), "-m", "pip", "install", "--quiet", OTREE]
        subprocess.run(pip, check=True)  # noqa: S603
    return command.resolve()


class OTreeSite:
    """An oTree project in an empty folder, its server, and one session with a place for everybody."""

    def __init__(self, folder: Path, *, participants: int, rounds: int, environment: Path | None = None) -> None:
        command = otree_command(environment or ROOT / "var" / "otree")
        self.folder = folder
        for name in ("_static", "_templates", "rounds"):
            (folder / name).mkdir(parents=True)
        (folder / "settings.py").write_text(SETTINGS)
        (folder / "rounds" / "__init__.py").write_text(APP.format(rounds=rounds))
        (folder / "rounds" / "Answer.html").write_text(PAGE)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        path = f"{command.parent}{os.pathsep}{os.environ['PATH']}"  # it starts itself a second time, by name
        own = {"PATH": path, "OTREE_PRODUCTION": "1", "OTREE_REST_KEY": KEY, "PYTHONUNBUFFERED": "1"}
        self.server = Server(
            [str(command), "prodserver1of2", f"127.0.0.1:{port}"],
            ready="Running prodserver",
            address=f"http://127.0.0.1:{port}",
            directory=folder,
            environment=own,
        )
        session = self._create_session(participants)
        self.entry = "/join/" + session["session_wide_url"].rsplit("/", 1)[1]

    def _create_session(self, participants: int) -> dict[str, str]:
        body = json.dumps({"session_config_name": "rounds", "num_participants": participants}).encode()
        request = urllib.request.Request(  # noqa: S310  (its address is 127.0.0.1)
            f"{self.server.address}/api/sessions",
            data=body,
            headers={"otree-rest-key": KEY, "content-type": "application/json"},
        )
        until = time.monotonic() + READY_WITHIN
        while True:
            try:
                with urllib.request.urlopen(request, timeout=600) as response:  # noqa: S310
                    return dict(json.load(response))
            except ConnectionError as error:
                reason: object = error
            except urllib.error.URLError as error:
                reason = error.reason
                if not isinstance(reason, ConnectionError):
                    raise
            if time.monotonic() > until:
                raise RuntimeError(f"oTree does not answer at {self.server.address}: {reason}.")
            time.sleep(0.2)

    def stored(self) -> list[str]:
        """Stop the server, which lets it write its database, and return the texts of all answers."""
        self.server.stop()
        with sqlite3.connect(self.folder / "db.sqlite3") as connection:
            return [row[0] for row in connection.execute("SELECT text FROM rounds_player WHERE text IS NOT NULL")]
