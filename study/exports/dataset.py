"""What describes an export: the codebook, and the metadata of Psych-DS.

Psych-DS (https://psych-ds.github.io, version 1 of its schema) asks for `dataset_description.json` with name,
description and the measured variables, and for tables below `data/` named by keywords; every column of a table must be
among the variables, in the description or in the table's sidecar.
"""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

from study.contract import Table, long_table_contract
from study.exports.cells import timestamp
from study.exports.privacy import SMALLEST_CELL, Profile
from study.exports.wide import WIDE_TABLE, wide_columns, wide_descriptions
from study.models import Study

PSYCH_DS_VERSION = "Psych-DS 1.0.0"
CODEBOOK_COLUMNS = ("table", "column", "type", "required", "allowed", "description")
SCHEMA_TYPES = {
    "string": "string",
    "integer": "integer",
    "number": "number",
    "boolean": "boolean",
    "datetime": "string",
}


def codebook_rows(wide: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of the codebook: one per column of every table, `wide` being those of the wide one."""
    for table in long_table_contract().tables.values():
        for column in table.columns:
            allowed = " | ".join(column.allowed)
            yield table.name, column.name, column.type, column.required, allowed, column.description
    for name, kind, description in wide_descriptions(wide):
        yield WIDE_TABLE, name, kind, False, "", description


def dataset_description(study: Study, *, profile: Profile, wide: tuple[str, ...]) -> dict[str, Any]:
    """Return the Psych-DS description of the whole export."""
    contract = long_table_contract()
    variables = {
        column.name: variable(column.name, column.type, column.description, column.allowed)
        for table in contract.tables.values()
        for column in table.columns
    }
    for name, kind, description in wide_descriptions(wide):
        variables.setdefault(name, variable(name, kind, description, ()))
    simulated = study.participants.filter(simulated=True, test_at=None).exists()
    return {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "schemaVersion": PSYCH_DS_VERSION,
        "name": study.title,
        "description": " ".join(
            [
                f"Answers to the study {study.slug!r}, version {study.version}, preset {study.preset!r}.",
                "In CSV files, text that begins with = + - @ (also in their wide forms), #, a tab or the end of a "
                "line, or with apostrophes before one of these, has one more apostrophe in front; take one off to get "
                "it as typed. responses_long.jsonl has it as typed.",
                *([_PUBLIC] if profile == Profile.PUBLIC else []),
                *(["Rows with simulated = true were answered by programs and are no finding."] if simulated else []),
            ]
        ),
        "version": contract.schema_version,
        "dateModified": timestamp(datetime.now(tz=UTC)),
        "variableMeasured": list(variables.values()),
    }


_PUBLIC = (
    f"Public profile: no combination of link and language that fewer than {SMALLEST_CELL} people share, moments cut to "
    f"the day, durations to a tenth of a second, names that fewer than {SMALLEST_CELL} people gave under a keyed hash, "
    "no events, no free comments."
)


def sidecar(study: Study, table: str) -> dict[str, Any]:
    """Return the metadata of one table, which Psych-DS reads in place of the description's variables."""
    if table == WIDE_TABLE:
        variables = [variable(*described, ()) for described in wide_descriptions(wide_columns(study))]
        return {"description": "One row for each participant.", "variableMeasured": variables}
    found: Table = long_table_contract().tables[table]
    return {
        "description": found.description,
        "variableMeasured": [
            variable(column.name, column.type, column.description, column.allowed) for column in found.columns
        ],
    }


def variable(name: str, kind: str, description: str, allowed: tuple[str, ...]) -> dict[str, Any]:
    """Return a column as a PropertyValue of schema.org."""
    described: dict[str, Any] = {
        "@type": "PropertyValue",
        "name": name,
        "description": description,
        "valueType": SCHEMA_TYPES[kind],
    }
    if allowed:
        described["levels"] = list(allowed)
    return described
