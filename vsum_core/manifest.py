"""``manifest.json``: what a run produced.

It is validated against ``contracts/manifest.schema.json`` whenever it crosses a border.
"""

from __future__ import annotations

import functools
import json
from pathlib import Path
from typing import Any

import jsonschema

from vsum_core.store import Store

SCHEMA_VERSION = "1.0"
FILE_NAME = "manifest.json"
_SCHEMA_PATH = Path(__file__).resolve().parent.parent / "contracts" / "manifest.schema.json"

Manifest = dict[str, Any]


class ManifestError(ValueError):
    """The manifest does not follow its schema; the message names the place, what is there and what is expected."""


@functools.cache
def _validator() -> jsonschema.Draft202012Validator:
    schema = json.loads(_SCHEMA_PATH.read_text())
    return jsonschema.Draft202012Validator(schema)


def validate(manifest: Manifest) -> None:
    """Check the schema and that every identifier a record points to exists.

    Raises:
        ManifestError: at the first violation, naming its place.
    """
    error = jsonschema.exceptions.best_match(_validator().iter_errors(manifest))
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path) or "the top level"
        raise ManifestError(f"{FILE_NAME} is not valid at {place}: {error.message[:300]}")
    images = {image["id"] for image in manifest["images"]}
    networks = {network["name"] for network in manifest["networks"]}
    classes = {label["name"] for label in manifest["classes"]}
    identifiers: set[str] = set()
    for summary in manifest["summaries"]:
        place = f"summaries/{summary['id']}"
        if summary["id"] in identifiers:
            raise ManifestError(
                f"{FILE_NAME} is not valid at {place}: the id appears twice; every summary needs its own."
            )
        identifiers.add(summary["id"])
        _require_known(place, "network", summary["network"], networks)
        _require_known(place, "class", summary["class"], classes)
        for member in summary["members"]:
            _require_known(place, "image", member["image"], images)
        for pictures in ("cells", "crops"):
            if len(summary["files"][pictures]) != len(summary["members"]):
                raise ManifestError(
                    f"{FILE_NAME} is not valid at {place}: {len(summary['files'][pictures])} {pictures} for "
                    f"{len(summary['members'])} members; there must be one for each."
                )


def _require_known(place: str, kind: str, name: str, known: set[str]) -> None:
    if name not in known:
        raise ManifestError(f"{FILE_NAME} is not valid at {place}: {kind} {name!r} is not listed in the manifest.")


def write(store: Store, manifest: Manifest) -> Path:
    """Validate and write the manifest of a run atomically; returns its path."""
    validate(manifest)
    return store.write_text(FILE_NAME, json.dumps(manifest, indent=1, sort_keys=True) + "\n")


def read(directory: Path) -> Manifest:
    """The validated manifest of a run directory.

    Raises:
        ManifestError: there is none, it is no JSON, or it does not follow the schema.
    """
    path = Path(directory) / FILE_NAME
    try:
        manifest: Manifest = json.loads(path.read_bytes())
    except FileNotFoundError as error:
        raise ManifestError(
            f"There is no {path}; the run has not finished. Run pregenerate with the same options."
        ) from error
    except ValueError as error:
        raise ManifestError(f"{path} is not JSON: {error}.") from error
    validate(manifest)
    return manifest
