"""A name code: what a coder took a name to mean, blind to the other coder and to conditions."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from study.models.study import Study


class Coder(models.TextChoices):
    """Who gave a code. People appear under these words in exports."""

    FIRST = "coder-1", _("first coder")
    SECOND = "coder-2", _("second coder")
    CONSENSUS = "consensus", _("consensus")


class NameCode(models.Model):
    """One code for one name of one class. An empty code says that the name is no part at all."""

    study = models.ForeignKey(Study, on_delete=models.CASCADE, related_name="name_codes")
    class_name = models.CharField(max_length=200, verbose_name=_("class"))
    name = models.CharField(max_length=200, help_text=_("NFKC, case-folded, white space collapsed."))
    coder = models.CharField(max_length=10, choices=Coder.choices)
    code = models.CharField(max_length=60, blank=True)
    coded_at = models.DateTimeField()

    class Meta:
        verbose_name = _("name code")
        verbose_name_plural = _("name codes")
        ordering = ["study", "class_name", "name", "coder"]
        constraints = [
            models.UniqueConstraint(fields=["study", "class_name", "name", "coder"], name="name_code_once"),
            models.CheckConstraint(condition=models.Q(coder__in=Coder.values), name="name_code_coder_known"),
        ]

    def __str__(self) -> str:
        return f"{self.name} → {self.code}"
