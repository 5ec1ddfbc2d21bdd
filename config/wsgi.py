"""Entry point for WSGI servers."""

import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()
# Asked for here, the addresses load every view now; otherwise the first person whom a new worker serves waits for that.
url_patterns = get_resolver().url_patterns
