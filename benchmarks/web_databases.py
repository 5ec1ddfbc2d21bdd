"""What a site of the web benchmark needs in its database, and what it holds afterwards; in a process with its settings.

``python -m benchmarks.web_databases prepare study --participants 200 --rounds 20`` migrates and launches a study;
``… stored study`` prints the texts of all answers as JSON. The same for `bare`.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from pathlib import Path

SLUG = "web"


def prepare_study(*, participants: int, rounds: int) -> None:
    """Migrate, and launch a study without practice, with a place for everybody and as many trials as rounds."""
    from django.core.management import call_command

    from benchmarks.starts import NETWORKS, write_run
    from study.presets import load_preset
    from study.services.runs import import_run
    from study.services.studies import create_study, launch_study

    call_command("migrate", verbosity=0)
    call_command("collectstatic", interactive=False, verbosity=0)
    draft = create_study(
        load_preset("paper-2018"),
        slug=SLUG,
        blocks=[{"task": "name", "trials": rounds}],
        participants_planned=participants,
    )
    with tempfile.TemporaryDirectory() as directory:
        import_run(draft, write_run(Path(directory), classes=-(-rounds // len(NETWORKS))))
    launch_study(draft)


def stored(site: str) -> list[str]:
    """Return the texts of all answers."""
    if site == "bare":
        from benchmarks.bare.models import Row

        return list(Row.objects.values_list("text", flat=True))
    from study.models import Answer

    return list(Answer.objects.values_list("text", flat=True))


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.web_databases", description=__doc__)
    parser.add_argument("action", choices=("prepare", "stored"))
    parser.add_argument("site", choices=("study", "bare"))
    parser.add_argument("--participants", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=20)
    arguments = parser.parse_args()
    import django
    from django.core.management import call_command

    django.setup()
    if arguments.action == "stored":
        print(json.dumps(stored(arguments.site)))
    elif arguments.site == "study":
        prepare_study(participants=arguments.participants, rounds=arguments.rounds)
    else:
        call_command("migrate", run_syncdb=True, verbosity=0)


if __name__ == "__main__":
    main()
