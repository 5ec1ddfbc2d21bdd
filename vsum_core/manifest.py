"""``manifest.json``: what a run produced.

It is validated against ``contracts/manifest.schema.json`` whenever it crosses a border.
"""

from __future__ import annotations

import functools
import json
import math
from pathlib import Path
from typing import Any

import jsonschema

from vsum_core.store import Store

SCHEMA_VERSION = "1.3"
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
    """Check the schema, that numbers are finite, and that identifiers are listed once and point to something listed.

    Raises:
        ManifestError: at the first violation, naming its place.
    """
    error = jsonschema.exceptions.best_match(_validator().iter_errors(manifest))
    if error is not None:
        place = "/".join(str(part) for part in error.absolute_path) or "the top level"
        raise ManifestError(f"{FILE_NAME} is not valid at {place}: {error.message[:300]}")
    _check_finite(manifest)
    images = _listed_once(manifest, "images", "id")
    networks = _listed_once(manifest, "networks", "name")
    classes = _listed_once(manifest, "classes", "name")
    _listed_once(manifest, "summaries", "id")
    for image in manifest["images"]:
        _require_known(f"images/{image['id']}", "class", image["class"], classes)
    for kind in ("masks", "clusterings", "summaries"):
        for index, record in enumerate(manifest[kind]):
            place = f"{kind}/{record.get('id', index)}"
            _require_known(place, "network", record["network"], networks)
            _require_known(place, "class", record["class"], classes)
    for index, mask in enumerate(manifest["masks"]):
        _require_known(f"masks/{index}", "image", mask["image"], images)
    for summary in manifest["summaries"]:
        _check_summary(summary, images)
    for index, prediction in enumerate(manifest.get("predictions", ())):
        _require_known(f"predictions/{index}", "network", prediction["network"], networks)
        _require_known(f"predictions/{index}", "image", prediction["image"], images)


def _check_summary(summary: dict[str, Any], images: set[str]) -> None:
    place = f"summaries/{summary['id']}"
    for member in summary["members"]:
        _require_known(place, "image", member["image"], images)
    for pictures in ("cells", "crops"):
        if len(summary["files"][pictures]) != len(summary["members"]):
            raise ManifestError(
                f"{FILE_NAME} is not valid at {place}: {len(summary['files'][pictures])} {pictures} for "
                f"{len(summary['members'])} members; there must be one for each."
            )


def _check_finite(value: Any, place: str = "") -> None:
    """NaN passes the comparisons of a schema, and JSON has no word for it."""
    if isinstance(value, float) and not math.isfinite(value):
        raise ManifestError(f"{FILE_NAME} is not valid at {place}: the number is {value}; it must be finite.")
    if isinstance(value, dict | list):
        for name, part in value.items() if isinstance(value, dict) else enumerate(value):
            _check_finite(part, f"{place}/{name}" if place else str(name))


def _listed_once(manifest: Manifest, kind: str, field: str) -> set[str]:
    names: set[str] = set()
    for record in manifest[kind]:
        name = record[field]
        if name in names:
            raise ManifestError(
                f"{FILE_NAME} is not valid at {kind}/{name}: the {field} appears twice; each record needs its own."
            )
        names.add(name)
    return names


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
