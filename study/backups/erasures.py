"""What was erased, so that an older backup cannot bring it back.

Withdrawn participants leave a row without content, so the database itself is the list. It is copied to `erasures.json`
beside the backups: with every backup, by `backup --erasures-only` as often as wanted, and before a restore replaces
the database. It holds pseudonyms of people about whom nothing else is stored.
"""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import jsonschema

from study.backups.manifest import BackupError
from study.exports.directory import whole_file
from study.models import AuditEntry, Participant, ParticipantState, Study

FILE = "erasures.json"
_MOMENTS = {"type": "object", "additionalProperties": {"type": "string"}}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["withdrawn", "retention", "deleted"],
    "properties": {"withdrawn": _MOMENTS, "retention": _MOMENTS, "deleted": _MOMENTS},
}


@dataclass(frozen=True)
class ErasureList:
    """Erasures with their moments, ISO 8601.

    Attributes:
        withdrawn: by pseudonym.
        retention: by study, named by slug and moment of creation, as `study_name` has it.
        deleted: whole studies, by slug.
    """

    withdrawn: dict[str, str] = field(default_factory=dict)
    retention: dict[str, str] = field(default_factory=dict)
    deleted: dict[str, str] = field(default_factory=dict)

    def merged(self, other: "ErasureList") -> "ErasureList":
        """Return both lists as one."""
        return ErasureList(
            withdrawn=self.withdrawn | other.withdrawn,
            retention=self.retention | other.retention,
            deleted=self.deleted | other.deleted,
        )


def study_name(study: Study) -> str:
    """Return what names a study even after another has taken its slug."""
    return f"{study.slug} {study.created_at.isoformat()}"


def known_erasures() -> ErasureList:
    """Return the erasures that the database tells of."""
    withdrawn = Participant.objects.filter(state=ParticipantState.WITHDRAWN).values_list("pseudonym", "withdrawn_at")
    deleted = AuditEntry.objects.filter(action="delete study").order_by("pk").values_list("study", "at")
    return ErasureList(
        withdrawn={pseudonym: at.isoformat() for pseudonym, at in withdrawn.iterator(chunk_size=2000) if at},
        retention={
            study_name(study): study.retention_enforced_at.isoformat()
            for study in Study.objects.exclude(retention_enforced_at=None)
            if study.retention_enforced_at
        },
        deleted={slug: at.isoformat() for slug, at in deleted},
    )


def read_erasures(path: Path) -> ErasureList:
    """Read a list.

    Raises:
        BackupError: the file is missing or no such list.
    """
    try:
        content: Any = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise BackupError(f"{path} does not exist; give an {FILE} that manage.py backup wrote.") from None
    except (ValueError, RecursionError):
        raise BackupError(f"{path} is no JSON; give an {FILE} that manage.py backup wrote.") from None
    if not jsonschema.Draft202012Validator(SCHEMA).is_valid(content):
        raise BackupError(f"{path} is no list of erasures; give an {FILE} that manage.py backup wrote.")
    return ErasureList(**content)


def keep_erasures(directory: Path, erasures: ErasureList) -> ErasureList:
    """Add erasures to the list beside the backups and return all of them.

    Raises:
        BackupError: the list that is there cannot be read.
    """
    path = directory / FILE
    kept = read_erasures(path).merged(erasures) if path.is_file() else erasures
    with whole_file(path, mode=0o600) as stream:
        stream.write(json.dumps(asdict(kept), indent=1, sort_keys=True).encode())
    return kept
