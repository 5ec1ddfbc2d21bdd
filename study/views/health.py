"""Whether the server lives, and whether it is ready to take answers. For load balancers; no data about anybody."""

import os
from pathlib import Path

from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe


@never_cache
@require_safe
def is_alive(request: HttpRequest) -> HttpResponse:
    """Answer 200 as long as the process answers at all; nothing else is asked."""
    return HttpResponse("alive\n", content_type="text/plain")


@never_cache
@require_safe
def is_ready(request: HttpRequest) -> HttpResponse:
    """Answer 200 when the database answers, is migrated, and pictures can be read; else 503 with what is missing."""
    problems = [*_database_problems(), *_storage_problems()]
    text = "".join(f"{problem}\n" for problem in problems) or "ready\n"
    return HttpResponse(text, status=503 if problems else 200, content_type="text/plain")


def _database_problems() -> list[str]:
    try:
        executor = MigrationExecutor(connection)
        waiting = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError:
        return ["The database does not answer."]
    return [f"{len(waiting)} migrations are waiting; run manage.py migrate."] if waiting else []


def _storage_problems() -> list[str]:
    media = Path(settings.MEDIA_ROOT)
    if media.exists() and not os.access(media, os.R_OK | os.X_OK):
        return ["The folder of pictures cannot be read."]
    return []
