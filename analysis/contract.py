"""The contract of an export, ``contracts/long_table.json``: tables, columns and their types."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parent.parent / "contracts"


@dataclass(frozen=True)
class Column:
    """One column of the contract; ``type`` is string, integer, number, boolean or datetime."""

    name: str
    type: str
    required: bool
    allowed: tuple[str, ...] | None
    description: str


@dataclass(frozen=True)
class Table:
    """One table of the contract: its key and its columns, in order; an optional table may lack from an export."""

    name: str
    key: tuple[str, ...]
    columns: tuple[Column, ...]
    optional: bool


@dataclass(frozen=True)
class Contract:
    """``contracts/long_table.json``."""

    schema_version: str
    tables: Mapping[str, Table]


@lru_cache(maxsize=1)
def contract() -> Contract:
    """Read the contract that ships with this package."""
    content = json.loads((CONTRACTS / "long_table.json").read_text(encoding="utf-8"))
    tables = {}
    for name, table in content["tables"].items():
        columns = tuple(
            Column(
                name=column["name"],
                type=column["type"],
                required=column["required"],
                allowed=tuple(column["allowed"]) if "allowed" in column else None,
                description=column["description"],
            )
            for column in table["columns"]
        )
        tables[name] = Table(
            name=name, key=tuple(table["key"]), columns=columns, optional=bool(table.get("optional", False))
        )
    return Contract(schema_version=content["schema_version"], tables=tables)
