"""The file of a moved study: a ZIP archive with one table per JSON-lines file, the pictures, and a manifest of hashes.

    manifest.json              format, the study, and of every table its rows, fields and SHA-256
    tables/<table>.jsonl       one row per line, canonical JSON
    pictures/<sha256>.<suffix> pictures of stimuli and images, named by their content

Equal studies give equal files, byte for byte: no moment of writing, no order that depends on the database.
"""

import re
import zipfile
from typing import Any

from study.moving.tables import TABLES

FORMAT = "visual-summaries study"
FORMAT_VERSION = "1.0"
MANIFEST = "manifest.json"
PICTURE = re.compile(r"pictures/(?P<sha256>[0-9a-f]{64})\.(?P<extension>webp|png|jpg)")
TABLE_ENTRIES = {f"tables/{table.name}.jsonl": table for table in TABLES}


def table_entry(name: str) -> str:
    """Return the entry of a table."""
    return f"tables/{name}.jsonl"


def picture_entry(record: dict[str, Any]) -> str:
    """Return the entry of a picture, from its record in a stimulus or prediction."""
    return f"pictures/{record['sha256']}.{record['extension']}"


def entry_information(name: str) -> zipfile.ZipInfo:
    """Return the header of an entry: always the same for the same name."""
    information = zipfile.ZipInfo(name)  # the first moment that ZIP knows
    information.external_attr = 0o600 << 16
    stored = PICTURE.fullmatch(name)
    information.compress_type = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    return information
