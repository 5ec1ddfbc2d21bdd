"""Registration of the study app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StudyConfig(AppConfig):
    """The study app; its system checks and signals are registered when Django is ready."""

    name = "study"
    verbose_name = _("Study")

    def ready(self) -> None:
        """Register the system checks, and what notes when somebody signed in."""
        from study import checks  # noqa: F401  (importing registers the checks)
        from study.research import guard  # noqa: F401  (otherwise only the first request would load it)
