"""`import.R` and `import.sps` run on a real export, by R (readr) and PSPP, where they are installed."""

import csv
import shutil
import subprocess

import pytest

from study.exports import export_study
from study.models import Answer, Phase

WORDS = ["=1+1", "'=quoted", "＝wide", "'plain", "-wing", "#N/A", 'say "beak", please', "été"]


@pytest.fixture
def export(study, take_part, tmp_path):
    take_part(study, 1, WORDS)
    export_study(study, tmp_path / "export")
    return tmp_path / "export"


def typed(phase):
    answers = Answer.objects.filter(trial__phase=phase).order_by("trial__position")
    return list(answers.values_list("text", flat=True))


def run(program, *arguments, directory, content):
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed; see docs/development.md")
    (directory / "program").write_text(content, encoding="utf-8")
    result = subprocess.run(
        [program, *arguments, "program"], cwd=directory, capture_output=True, text=True, check=False, timeout=120
    )
    assert result.returncode == 0, result.stdout[-2000:] + result.stderr[-2000:]
    assert "error" not in (result.stdout + result.stderr).lower(), result.stdout[-2000:]
    return result.stdout


def rows_of(path):
    with path.open(encoding="utf-8", newline="") as stream:
        return list(csv.DictReader(stream))


def test_r_reads_every_table_with_its_types_and_texts_as_typed(export):
    program = """source("import.R")
    stopifnot(nrow(problems(responses_long)) == 0, nrow(problems(participants)) == 0, nrow(problems(events)) == 0)
    stopifnot(is.factor(responses_long$phase), is.logical(responses_long$simulated))
    stopifnot(inherits(responses_long$served_at, "POSIXct"), is.integer(responses_long$trial_position))
    stopifnot(all(responses_long$reaction_time_ms == 2000), nrow(stimuli) == 16, nrow(participants) == 1)
    main <- responses_long[responses_long$phase == "main", ]
    write.csv(main["answer_text"], "seen.csv", row.names = FALSE, fileEncoding = "UTF-8")
    """
    run("Rscript", directory=export, content=program)
    assert [row["answer_text"] for row in rows_of(export / "seen.csv")] == typed(Phase.MAIN)


def test_pspp_reads_every_table_with_labels_and_texts_as_typed(export):
    program = """INSERT FILE='import.sps'.
    DATASET ACTIVATE participants.
    SAVE TRANSLATE /OUTFILE='people.csv' /TYPE=CSV /FIELDNAMES /KEEP=participant state.
    DATASET ACTIVATE responses_long.
    DISPLAY LABELS.
    SELECT IF (phase = "main").
    SAVE TRANSLATE /OUTFILE='seen.csv' /TYPE=CSV /FIELDNAMES /KEEP=answer_text reaction_time_ms.
    """
    said = run("pspp", directory=export, content=program)
    assert "Pseudonym of the participant" in " ".join(said.split())
    seen = rows_of(export / "seen.csv")
    assert [row["answer_text"].rstrip() for row in seen] == typed(Phase.MAIN)
    assert {float(row["reaction_time_ms"]) for row in seen} == {2000.0}
    assert len(rows_of(export / "people.csv")) == 1
