"""Migrations that can run while the old version still serves: the rules of docs/deploy.md.

The old code reads and writes the tables while the new migration runs and until the last worker has been replaced. So a
migration may add, and may not take away, rename or forbid. One that must says why it may, and how it is deployed, in a
module variable `NOT_WHILE_SERVING`.
"""

import importlib
import pkgutil

import pytest
from django.db import migrations, models

import study.migrations
from study.models import Slot

FIRST = 6
"""Migrations before this number are older than the rules: no server ran them."""
TAKES_AWAY = (
    migrations.RemoveField,
    migrations.DeleteModel,
    migrations.RenameField,
    migrations.RenameModel,
    migrations.AlterModelTable,
    migrations.AlterUniqueTogether,
)


def objections(operation):
    """Say why the old code could fail beside this operation; nothing when it cannot."""
    if isinstance(operation, TAKES_AWAY):
        return "the old code still uses what this takes away"
    if isinstance(operation, migrations.AddField):
        field = operation.field
        if not (field.null or field.many_to_many or field.db_default is not models.NOT_PROVIDED):
            return "the old code inserts rows without this column: give it null=True or db_default"
    if isinstance(operation, migrations.AddConstraint):
        return "the old code may write what this forbids: add it in the release after"
    if isinstance(operation, migrations.AlterField):
        return "changing a column may lock the table or refuse what the old code writes"
    if isinstance(operation, migrations.RunSQL | migrations.SeparateDatabaseAndState):
        return "what this does cannot be seen"
    if isinstance(operation, migrations.RunPython) and operation.reverse_code is None:
        return "it cannot be taken back: give reverse_code"
    return ""


def study_migrations():
    for module in pkgutil.iter_modules(study.migrations.__path__):
        if module.name[:4].isdecimal() and int(module.name[:4]) >= FIRST:
            yield importlib.import_module(f"study.migrations.{module.name}")


def test_every_migration_can_run_while_the_old_version_serves_or_says_why_not():
    found = list(study_migrations())
    assert found
    wrong = [
        f"{module.__name__}: {type(operation).__name__}: {why}"
        for module in found
        if not getattr(module, "NOT_WHILE_SERVING", "")
        for operation in module.Migration.operations
        if (why := objections(operation))
    ]
    assert wrong == [], "see docs/deploy.md, “Updates without closing”"


@pytest.mark.parametrize(
    ("operation", "fine"),
    [
        (migrations.AddField("slot", "note", models.TextField(null=True)), True),
        (migrations.AddField("slot", "note", models.TextField(db_default="")), True),
        (migrations.AddField("slot", "note", models.TextField(default="")), False),
        (migrations.RemoveField("slot", "note"), False),
        (migrations.RenameField("slot", "note", "remark"), False),
        (migrations.DeleteModel("slot"), False),
        (migrations.AlterField("slot", "note", models.TextField()), False),
        (migrations.RunSQL("SELECT 1"), False),
        (migrations.RunPython(migrations.RunPython.noop), False),
        (migrations.RunPython(migrations.RunPython.noop, migrations.RunPython.noop), True),
        (migrations.AddIndex("slot", models.Index(fields=["number"], name="by_number")), True),
        (migrations.AddConstraint("slot", models.CheckConstraint(condition=models.Q(number=1), name="one")), False),
        (migrations.CreateModel("note", [("id", models.BigAutoField(primary_key=True))]), True),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, bool) else str(value),
)
def test_what_the_rules_say(operation, fine):
    assert (objections(operation) == "") is fine


def test_the_index_of_running_leases_holds_those_alone():
    index = next(index for index in Slot._meta.indexes if index.name == "slot_running_leases")
    assert index.condition == models.Q(state="claimed")
