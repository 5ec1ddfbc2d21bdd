"""Exports: the tables of `contracts/long_table.json`, their codebook, and the provenance beside them.

`rows` reads the database, `cells`, `wide`, `parquet` and `spss` give rows their form, `files` names what an export
holds, `directory` and `archive` put it somewhere, `privacy` says what each profile shows.
"""

from study.exports.archive import zip_chunks
from study.exports.cells import ExportError
from study.exports.directory import ExportReport, export_study
from study.exports.files import STREAMED_FORMATS, Counts, ExportFile, Format, check_pictures, export_files
from study.exports.privacy import Profile

__all__ = [
    "STREAMED_FORMATS",
    "Counts",
    "ExportError",
    "ExportFile",
    "ExportReport",
    "Format",
    "Profile",
    "check_pictures",
    "export_files",
    "export_study",
    "zip_chunks",
]
