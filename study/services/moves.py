"""Storing a study that came in a file from another server: all of it in one transaction, or nothing."""

from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from django.contrib.auth import get_user_model
from django.core.exceptions import ValidationError
from django.core.validators import validate_slug
from django.db import DatabaseError, transaction
from django.db.models import Model

from study.design_problems import design_problems
from study.exports.directory import whole_file
from study.models import AuditEntry, Participant, Study, Trial, picture_path
from study.models.participant import new_pseudonym, new_token
from study.moving import checks
from study.moving.reading import MovedStudy
from study.moving.tables import TABLES, MovedTable, MoveError, is_account, referred_table
from study.services.audit import COMMAND_LINE, entry_digest, record

ROWS_AT_ONCE = 500


@dataclass
class Moved:
    """What an import did.

    Attributes:
        study: the study as it is here now.
        rows: rows of each table that were stored.
        pictures: how many pictures were new to this server.
        new_links: participants whose link had to change, since somebody here has it already.
        missing_accounts: members left out because nobody here has their user name: name and role.
    """

    study: Study
    rows: dict[str, int]
    pictures: int = 0
    new_links: int = 0
    missing_accounts: list[tuple[str, str]] = field(default_factory=list)


@transaction.atomic
def store_moved_study(
    moved: MovedStudy,
    *,
    slug: str = "",
    actor: str = COMMAND_LINE,
    sha256: str = "",
    on_row: Callable[[str], None] = lambda table: None,
) -> Moved:
    """Store a study from its file, under its own slug or another, with its state: who is inside can go on.

    Participants keep their links unless somebody here has the same. Members are those whose user name has an account
    here; none is made. The study's audit entries join this server's chain, after an entry that tells of the import.

    Raises:
        MoveError: the slug is taken; the file holds something that this server cannot take; the message says what.
    """
    slug = slug or moved.slug
    try:
        validate_slug(slug)
    except ValidationError as error:
        raise MoveError(f"{slug!r} is no slug; use letters, digits and hyphens.") from error
    if Study.objects.filter(slug=slug).exists():
        raise MoveError(f"There is a study {slug!r} here already; choose another name for this one with --slug.")
    try:
        return _Import(moved, slug, actor, sha256, on_row).done()
    except DatabaseError as error:
        reason = str(error).strip().splitlines()[0]
        raise MoveError(f"{moved.path} breaks a rule of the database ({reason}); nothing was stored.") from error


class _Import:
    """One import: keeps what later rows refer to."""

    def __init__(self, moved: MovedStudy, slug: str, actor: str, sha256: str, on_row: Callable[[str], None]) -> None:
        self.moved, self.slug, self.actor, self.sha256, self.on_row = moved, slug, actor, sha256, on_row
        self.keys: dict[str, array[int]] = {}
        self.study = Study()
        self.summaries: list[dict[str, Any]] = []
        self.material = checks.Material()
        self.report = Moved(self.study, {})
        users: Any = get_user_model().objects
        self.accounts = dict(users.values_list("username", "pk"))

    def done(self) -> Moved:
        """Store everything and return what was done."""
        if self.moved.rows_of["study"] != 1:
            raise MoveError(f"{self.moved.path} holds {self.moved.rows_of['study']} studies; expected one.")
        for table in TABLES:
            if table.name == "audit":
                self._store_history(table)
            else:
                self._store(table)
        self.report.pictures = self._store_pictures()
        return self.report

    def _store(self, table: MovedTable) -> None:
        keys = self.keys[table.name] = array("q")
        rows = self._checked(table)
        while batch := list(islice(rows, ROWS_AT_ONCE)):
            self._make_new_links(table, batch)
            made: list[Model] = [table.model(**self._values(table, row)) for row in batch]
            stored = table.model._default_manager.bulk_create(made)
            keys.extend(row.pk for row in stored)
            self._restore_moments(table, stored, batch)
            if table.name == "study":
                self.study = self.report.study = Study.objects.get(pk=keys[0])
                self._check_design()
        self.report.rows[table.name] = len(keys)

    def _checked(self, table: MovedTable) -> Iterator[dict[str, Any]]:
        """Yield the rows that can be stored, each checked against what it has to fit."""
        for number, row in enumerate(self.moved.rows(table), start=1):
            try:
                wanted = self._check(table.name, row)
            except MoveError as error:
                raise MoveError(f"{self.moved.path}: {table.name}, row {number}: {error}.") from error
            self.on_row(table.name)
            if wanted:
                yield row

    def _check(self, table: str, row: dict[str, Any]) -> bool:
        """Check one row; tell whether it can be stored here."""
        match table:
            case "study":
                checks.check_study(row)
                row["slug"] = self.slug
            case "runs":
                checks.check_run(row)
                self.summaries.append({summary["id"]: summary for summary in row["manifest"]["summaries"]})
            case "stimuli":
                checks.check_stimulus(row, self.summaries[row["run"] - 1])
                pictures = row["pictures"]
                for picture in (pictures["grid"], *pictures["cells"], *pictures["crops"]):
                    self.material.add_picture(picture)
                self.material.crops[row["identifier"]] = len(pictures["crops"])
            case "predictions":
                checks.check_picture(row["picture"])
                self.material.add_picture(row["picture"])
                self.material.images.add((row["network"], row["image"]))
            case "participants":
                checks.check_participant(row)
            case "slots":
                checks.check_slot(row, study=self.study, material=self.material)
            case "trials":
                checks.check_trial(row, material=self.material)
            case "questionnaire_answers":
                checks.check_questionnaire_answer(row)
            case "memberships":
                if row["user"] not in self.accounts:
                    self.report.missing_accounts.append((row["user"], row["role"]))
                    return False
        return True

    def _check_design(self) -> None:
        problems = design_problems(self.study)
        if problems:
            raise MoveError(f"This server cannot run the study of {self.moved.path}: {' '.join(problems)}")

    def _values(self, table: MovedTable, row: dict[str, Any]) -> dict[str, Any]:
        """Return a row with this server's keys in place of places and user names."""
        values: dict[str, Any] = {}
        for one in table.fields:
            value = row[one.name]
            reference = referred_table(one)
            if is_account(one):
                values[one.attname] = self.accounts[value]
            elif reference is not None:
                values[one.attname] = None if value is None else self.keys[reference][value - 1]
            else:
                values[one.name] = value
        if any(one.name == "study" for one in table.model._meta.concrete_fields):
            values["study_id"] = self.study.pk
        return values

    def _make_new_links(self, table: MovedTable, batch: list[dict[str, Any]]) -> None:
        """Replace tokens, nonces and pseudonyms that somebody on this server has already."""
        makers: dict[str, Callable[[], str]] = {}
        if table.model is Participant:
            makers = {"token": new_token, "consent_nonce": new_token, "pseudonym": new_pseudonym}
        elif table.model is Trial:
            makers = {"nonce": new_token}
        for name, make in makers.items():
            found = table.model._default_manager.filter(**{f"{name}__in": [row[name] for row in batch]})
            taken = set(found.values_list(name, flat=True))
            for row in batch:
                if row[name] in taken:
                    row[name] = make()
                    self.report.new_links += name == "token"

    def _restore_moments(self, table: MovedTable, stored: list[Any], batch: list[dict[str, Any]]) -> None:
        """Put back the moments that the database layer sets by itself when a row is made."""
        own = [one.name for one in table.fields if getattr(one, "auto_now_add", False)]
        if not own:
            return
        for instance, row in zip(stored, batch, strict=True):
            for name in own:
                setattr(instance, name, row[name])
        table.model._default_manager.bulk_update(stored, own)

    def _store_history(self, table: MovedTable) -> None:
        """Append the study's audit entries to this server's chain, after one that says where they come from."""
        entries = list(self._checked(table))
        told = {"entries": [0, len(entries)], "sha256": ["", self.sha256]}
        last = record("import study", actor=self.actor, study=self.slug, target=self.moved.slug, changes=told)
        for row in entries:
            entry = AuditEntry(study=self.slug, **row)
            entry.digest = entry_digest(entry, previous=last.digest)
            entry.save()
            last = entry
        self.report.rows[table.name] = len(entries)

    def _store_pictures(self) -> int:
        """Store the pictures that this server lacks; the rows that point to them are committed afterwards."""
        sizes = self.material.pictures
        held = {name.removeprefix("pictures/") for name in self.moved.pictures}
        if held != sizes.keys():
            odd = min(held ^ sizes.keys())
            raise MoveError(f"{self.moved.path}: picture {odd} is missing, or belongs to no stimulus.")
        new = 0
        for name, size in sorted(sizes.items()):
            content, *actual = self.moved.picture(f"pictures/{name}")
            if tuple(actual) != size:
                raise MoveError(f"{self.moved.path}: picture {name} has another size in pixels than its row says.")
            target = picture_path(*name.split("."))
            if not target.is_file() or target.stat().st_size != len(content):
                with whole_file(target) as stream:
                    stream.write(content)
                new += 1
        return new
