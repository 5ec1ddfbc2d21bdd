"""Entry point for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import reverse

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Loads every view and the table of addresses now; otherwise the first person whom a new worker serves waits for that.
reverse("study:home")
