"""The contract does not move unnoticed, and exports keep to it, however many rows there are."""

import hashlib
import json
import tracemalloc
from datetime import UTC, datetime

import jsonschema
import pytest
from django.conf import settings

from study.contract import long_table_contract
from study.exports import export_study
from study.exports.cells import csv_chunks, json_line_chunks
from study.models import Study
from study.services.studies import save_study

FINGERPRINTS = {
    "2.0": {
        "responses_long": "2061e3f75fdf45c0",
        "participants": "025804f01abc6899",
        "stimuli": "57734f12df87f7c2",
        "events": "ed0034fa91a4d359",
        "questionnaires": "433e15fda9202f1f",
        "name_codes": "f77a41fb27781439",
    }
}
"""Of names, types and requirements of the columns in their order. A change needs a new version and a new entry."""


def test_columns_move_only_with_the_version():
    contract = long_table_contract()
    found = {
        name: hashlib.sha256(
            "\n".join(f"{column.name}:{column.type}:{column.required}" for column in table.columns).encode()
        ).hexdigest()[:16]
        for name, table in contract.tables.items()
    }
    assert found == FINGERPRINTS.get(contract.schema_version), (
        "The columns of contracts/long_table.json changed: give it a new schema_version, teach analysis/schema.py "
        "to read it, and add its fingerprints here."
    )


def test_study_json_follows_its_schema(study, tmp_path):
    schema = json.loads((settings.CONTRACTS_DIRECTORY / "study.schema.json").read_text())
    for plan in ({}, {"exclusions": [{"rule": "incomplete"}], "confirmatory": [], "name_level": "l2", "alpha": 0.05}):
        Study.objects.filter(pk=study.pk).update(analysis_plan=plan)
        study.refresh_from_db()
        export_study(study, tmp_path, formats=())
        written = json.loads((tmp_path / "study.json").read_text())
        jsonschema.Draft202012Validator(schema).validate(written)
    study.minutes = 33
    save_study(study, reason="Longer")
    export_study(study, tmp_path, formats=())
    written = json.loads((tmp_path / "study.json").read_text())
    assert [version["version"] for version in written["versions"]] == [1, 2]
    for version in written["versions"]:
        text = json.dumps(version["design"], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert hashlib.sha256(text.encode()).hexdigest() == version["sha256"]


@pytest.mark.parametrize("form", ["csv", "jsonl"])
def test_memory_does_not_grow_with_the_rows(form):
    """Twenty times the rows, the same peak: nothing but one batch is held."""
    table = long_table_contract().tables["responses_long"]
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    values = {"string": "beak", "integer": 3, "number": 1.5, "boolean": True, "datetime": moment}
    row = {column.name: values[column.type] for column in table.columns}

    def peak(number):
        rows = (dict(row) for _ in range(number))
        tracemalloc.start()
        for _chunk in csv_chunks(table, rows) if form == "csv" else json_line_chunks(rows):
            pass
        largest = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return largest

    assert peak(40_000) < 1.3 * peak(2_000)
