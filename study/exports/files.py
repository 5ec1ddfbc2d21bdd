"""The files of an export, each as a name and what yields its content; a directory or an archive takes them."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import partial

from study.contract import Table, long_table_contract
from study.exports.cells import ExportError, Row, csv_chunks, json_chunks, json_line_chunks, plain_csv_chunks
from study.exports.dataset import CODEBOOK_COLUMNS, codebook_rows, dataset_description, sidecar
from study.exports.design import study_description
from study.exports.parquet import parquet_chunks
from study.exports.privacy import LEFT_OUT_IN_PUBLIC, Profile
from study.exports.programs import r_script, spss_syntax
from study.exports.rows import StudyRows, picture_name
from study.exports.wide import wide_columns, wide_rows
from study.models import ImportedRun, Stimulus, Study

PICTURE_CHUNK = 1 << 20


class Format(StrEnum):
    """Forms of the answers besides the CSV tables."""

    JSON_LINES = "jsonl"
    PARQUET = "parquet"
    WIDE = "wide"
    SPSS = "sav"


STREAMED_FORMATS = frozenset({Format.JSON_LINES, Format.PARQUET, Format.WIDE})
"""Those that are written row by row. SPSS files need all rows in memory, so only the command writes them."""


@dataclass
class Counts:
    """How many rows went into each table, and how many pictures were copied; filled while the files are written."""

    rows: dict[str, int] = field(default_factory=dict)
    pictures: int = 0


@dataclass(frozen=True)
class ExportFile:
    """One file: its path in the export, and what yields its bytes."""

    name: str
    chunks: Callable[[], Iterator[bytes]]


def export_files(
    study: Study,
    *,
    counts: Counts,
    profile: Profile = Profile.FULL,
    formats: Iterable[Format] = STREAMED_FORMATS,
    on_row: Callable[[str], None] = lambda table: None,
) -> Iterator[ExportFile]:
    """Yield the files of a study's export; `on_row` is called with the table's name for each row of a CSV table.

    Raises:
        ExportError: the profile is public and there are fewer than five participants.
    """
    contract = long_table_contract()
    rows = StudyRows(study, profile=profile)
    for name, source in rows.tables().items():
        if profile == Profile.PUBLIC and name in LEFT_OUT_IN_PUBLIC:
            continue
        table = contract.tables[name]
        counted = partial(_counted, name, source, counts=counts, on_row=on_row)
        yield ExportFile(f"{name}.csv", partial(_csv, table, counted))
    responses = contract.tables["responses_long"]
    if Format.JSON_LINES in formats:
        yield ExportFile(
            "responses_long.jsonl",
            lambda: json_line_chunks(rows.published("responses_long", rows.responses(lossless=True))),
        )
    if Format.PARQUET in formats:
        yield ExportFile(
            "responses_long.parquet",
            lambda: parquet_chunks(responses, rows.published("responses_long", rows.responses())),
        )
    columns = wide_columns(study) if Format.WIDE in formats else ()
    if columns:
        yield ExportFile(
            "responses_wide.csv",
            lambda: plain_csv_chunks(columns, wide_rows(columns, rows.published("responses_long", rows.responses()))),
        )
    yield from _descriptions(study, profile=profile, wide=columns)
    for run in ImportedRun.objects.filter(study=study).only("digest"):
        yield ExportFile(f"manifests/{run.digest}.json", partial(_manifest, run.pk))
    for stimulus in Stimulus.objects.filter(study=study).only("identifier", "pictures").iterator(chunk_size=200):
        yield ExportFile(picture_name(stimulus), partial(_picture_chunks, stimulus, counts=counts))


def _descriptions(study: Study, *, profile: Profile, wide: tuple[str, ...]) -> Iterator[ExportFile]:
    contract = long_table_contract()
    yield ExportFile("study.json", lambda: json_chunks(study_description(study)))
    yield ExportFile("codebook.json", lambda: json_chunks(contract.source))
    yield ExportFile("codebook.csv", lambda: plain_csv_chunks(CODEBOOK_COLUMNS, codebook_rows(wide)))
    yield ExportFile(
        "dataset_description.json", lambda: json_chunks(dataset_description(study, profile=profile, wide=wide))
    )
    yield ExportFile("import.R", lambda: iter([r_script(contract).encode()]))
    yield ExportFile("import.sps", lambda: iter([spss_syntax(contract).encode()]))


def check_pictures(study: Study) -> None:
    """Look whether the picture of every stimulus is there, before an export is sent that cannot be taken back.

    Raises:
        ExportError: one is missing.
    """
    for stimulus in Stimulus.objects.filter(study=study).only("identifier", "pictures").iterator(chunk_size=200):
        if not stimulus.grid.path.is_file():
            raise ExportError(_missing_picture(stimulus))


def _missing_picture(stimulus: Stimulus) -> str:
    return f"The picture of {stimulus.identifier} is missing at {stimulus.grid.path}; import its run again."


def psych_ds_name(study: Study, table: str) -> str:
    """Return where Psych-DS wants a table: keywords `study` and `description`, letters and digits only."""
    return f"data/study-{_alphanumeric(study.slug)}_description-{_alphanumeric(table)}_data.csv"


def psych_ds_sidecar(study: Study, table: str) -> ExportFile:
    """Return the description of one table that lies beside it under `data/`."""
    name = psych_ds_name(study, table).removesuffix(".csv") + ".json"
    return ExportFile(name, lambda: json_chunks(sidecar(study, table)))


def _alphanumeric(text: str) -> str:
    return "".join(letter for letter in text if letter.isascii() and letter.isalnum())


def _csv(table: Table, rows: Callable[[], Iterator[Row]]) -> Iterator[bytes]:
    return csv_chunks(table, rows())


def _counted(
    table: str, rows: Callable[[], Iterator[Row]], *, counts: Counts, on_row: Callable[[str], None]
) -> Iterator[Row]:
    counts.rows[table] = 0
    for row in rows():
        yield row
        counts.rows[table] += 1
        on_row(table)


def _manifest(run: int) -> Iterator[bytes]:
    return json_chunks(ImportedRun.objects.get(pk=run).manifest)


def _picture_chunks(stimulus: Stimulus, *, counts: Counts) -> Iterator[bytes]:
    path = stimulus.grid.path
    try:
        with path.open("rb") as stream:
            while chunk := stream.read(PICTURE_CHUNK):
                yield chunk
    except FileNotFoundError as error:
        raise ExportError(_missing_picture(stimulus)) from error
    counts.pictures += 1
