"""Registration of the study app."""

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _


class StudyConfig(AppConfig):
    """The study app; its system checks are registered when Django is ready."""

    name = "study"
    verbose_name = _("Study")

    def ready(self) -> None:
        """Register the system checks."""
        from study import checks  # noqa: F401  (importing registers the checks)
