"""The long table's contract, `contracts/long_table.json`: which columns the exports have, in which order."""

import json
from dataclasses import dataclass
from functools import cache
from typing import Any

from django.conf import settings


@dataclass(frozen=True)
class Column:
    """One column: type is string, integer, number, boolean or datetime; an empty cell is a missing value."""

    name: str
    type: str
    required: bool
    description: str
    allowed: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """One table of the export. An optional one may lack in an export."""

    name: str
    columns: tuple[Column, ...]
    description: str = ""
    optional: bool = False

    @property
    def column_names(self) -> tuple[str, ...]:
        """The columns' names in their fixed order."""
        return tuple(column.name for column in self.columns)


@dataclass(frozen=True)
class LongTableContract:
    """All tables, and the version that every row carries."""

    schema_version: str
    tables: dict[str, Table]
    source: dict[str, Any]


@cache
def long_table_contract() -> LongTableContract:
    """Read the contract."""
    source = json.loads((settings.CONTRACTS_DIRECTORY / "long_table.json").read_text(encoding="utf-8"))
    tables = {
        name: Table(
            name=name,
            description=table.get("description", ""),
            optional=table.get("optional", False),
            columns=tuple(
                Column(
                    name=column["name"],
                    type=column["type"],
                    required=column["required"],
                    description=column["description"],
                    allowed=tuple(column.get("allowed", ())),
                )
                for column in table["columns"]
            ),
        )
        for name, table in source["tables"].items()
    }
    return LongTableContract(schema_version=source["schema_version"], tables=tables, source=source)
