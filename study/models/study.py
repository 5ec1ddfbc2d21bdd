"""A study: one design, its texts and its quota."""

from typing import Any

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _

from study.design import Block, DesignError, PlacedQuestionnaire, parse_blocks, parse_questionnaires


class StudyState(models.TextChoices):
    """Whether a study takes participants."""

    DRAFT = "draft", _("draft")
    RUNNING = "running", _("running")
    PAUSED = "paused", _("paused")
    CLOSED = "closed", _("closed")


class BlockOrder(models.TextChoices):
    """In which order a participant meets the blocks."""

    FIXED = "fixed", _("as listed")
    BALANCED = "balanced", _("balanced over participants")


def validate_blocks(raw: Any) -> None:
    """Refuse blocks that cannot be read; the message says which and why."""
    try:
        parse_blocks(raw)
    except DesignError as error:
        raise ValidationError(str(error)) from error


def validate_questionnaires(raw: Any) -> None:
    """Refuse a list of questionnaires that cannot be read; the message says why."""
    try:
        parse_questionnaires(raw)
    except DesignError as error:
        raise ValidationError(str(error)) from error


class StudyManager(models.Manager["Study"]):
    """Finds a study by its slug, so that a fixture can be loaded again."""

    def get_by_natural_key(self, slug: str) -> "Study":
        """Return the study with this slug.

        Raises:
            Study.DoesNotExist: there is none.
        """
        return self.get(slug=slug)


class Study(models.Model):
    """One study. Its design may change only while it is a draft; answers point to its version.

    `texts` holds what differs between studies: `researcher` (who asks), `purpose`, `storage` (what is stored),
    `debrief` and, where it differs from the study's, `title`; under a language's code stands an object with the same
    keys in that language. Everything else that participants read is in the templates.
    """

    slug = models.SlugField(unique=True, max_length=60, help_text=_("Part of the link: /s/SLUG/"))
    title = models.CharField(max_length=200)
    state = models.CharField(max_length=10, choices=StudyState.choices, default=StudyState.DRAFT)
    preset = models.CharField(max_length=60, help_text=_("Name of the preset that the design started from."))
    version = models.PositiveIntegerField(default=1, help_text=_("Version of the design, kept with each answer."))
    blocks = models.JSONField(
        default=list,
        validators=[validate_blocks],
        help_text=_("Tasks in sequence: task, trials, control_share, practice, attention and options of each."),
    )
    block_order = models.CharField(
        max_length=10,
        choices=BlockOrder.choices,
        default=BlockOrder.FIXED,
        help_text=_("Balanced: every order of a Latin square is met equally often."),
    )
    questionnaires = models.JSONField(
        default=list,
        blank=True,
        validators=[validate_questionnaires],
        help_text=_("Questionnaires in order, each with its moment: before or after the trials."),
    )
    texts = models.JSONField(default=dict, blank=True)
    language = models.CharField(max_length=10, default="en", help_text=_("Language of all pages of this study."))
    other_languages = models.JSONField(
        default=list,
        blank=True,
        help_text=_("Further languages that participants may choose at the entry, such as it."),
    )
    minutes = models.PositiveSmallIntegerField(default=10, help_text=_("Time a participant needs, announced to them."))
    participants_planned = models.PositiveIntegerField(default=30, validators=[MinValueValidator(1)])
    quota_per_cell = models.PositiveIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(1)],
        help_text=_("Most trials of one cell (task, network, class, method, arm), active and completed; empty: none."),
    )
    comprehension = models.BooleanField(
        default=False,
        help_text=_("Ask after the practice whether the task was understood; two tries, then the study ends kindly."),
    )
    failed_checks_allowed = models.PositiveSmallIntegerField(
        default=1,
        help_text=_("Failed attention checks up to this number do not matter; more end in the outcome failed_checks."),
    )
    completion_codes = models.JSONField(
        default=dict, blank=True, help_text=_("Code per outcome, such as completed, over_quota or withdrawn.")
    )
    recruitment = models.JSONField(
        default=dict, blank=True, help_text=_("Parameter names per recruiter where they differ from the usual ones.")
    )
    lease_minutes = models.PositiveSmallIntegerField(
        default=30,
        validators=[MinValueValidator(1)],
        help_text=_("A slot goes back after so many minutes without any page or answer."),
    )
    seed = models.BigIntegerField(default=0)
    analysis_plan = models.JSONField(
        default=dict,
        blank=True,
        help_text=_("Exclusions, confirmatory measures, name level and alpha; declared before launch, then frozen."),
    )
    analysis_plan_frozen_at = models.DateTimeField(null=True, blank=True, editable=False)
    target_half_width = models.FloatField(
        default=0.15,
        validators=[MinValueValidator(0.01), MaxValueValidator(0.5)],
        help_text=_("A summary needs no more answers once the interval of its most frequent name is this narrow."),
    )
    contact = models.EmailField(blank=True, help_text=_("Shown to participants."))
    retention_date = models.DateField(
        null=True,
        blank=True,
        help_text=_("From this day on, enforce_retention deletes identifiers, links and what browsers reported."),
    )
    retention_enforced_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(auto_now_add=True)
    launched_at = models.DateTimeField(null=True, blank=True)

    objects = StudyManager()

    class Meta:
        verbose_name = _("study")
        verbose_name_plural = _("studies")
        ordering = ["-created_at", "slug"]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=StudyState.values), name="study_state_known"),
            models.CheckConstraint(condition=models.Q(participants_planned__gte=1), name="study_sizes_positive"),
            models.CheckConstraint(condition=models.Q(block_order__in=BlockOrder.values), name="study_order_known"),
        ]

    def __str__(self) -> str:
        return self.title

    def natural_key(self) -> tuple[str]:
        """Return what names the study in fixtures."""
        return (self.slug,)

    def get_absolute_url(self) -> str:
        """Return the path of the link that participants open."""
        return reverse("study:entry", args=[self.slug])

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages that participants may choose from; the study's own comes first."""
        return tuple(dict.fromkeys([self.language, *self.other_languages]))

    @property
    def task_blocks(self) -> tuple[Block, ...]:
        """The blocks, checked.

        Raises:
            DesignError: the stored blocks cannot be read.
        """
        return parse_blocks(self.blocks)

    @property
    def placed_questionnaires(self) -> tuple[PlacedQuestionnaire, ...]:
        """The questionnaires with their moments, in order."""
        return parse_questionnaires(self.questionnaires)

    @property
    def trials_per_participant(self) -> int:
        """Trials that the design asks for, of all blocks together; practice and attention checks not counted."""
        return sum(block.trials for block in self.task_blocks)

    @property
    def takes_participants(self) -> bool:
        """Whether new participants may enter."""
        return self.state == StudyState.RUNNING

    def texts_in(self, language: str) -> dict[str, str]:
        """Return the study's texts for a language: those under its key in `texts`, else those without a language."""
        own = self.texts.get(language, {})
        general = {key: text for key, text in self.texts.items() if isinstance(text, str)}
        return {"title": self.title, **general, **(own if isinstance(own, dict) else {})}

    def completion_code(self, outcome: str) -> str:
        """Return the code for an outcome, such as `completed` or `screened_out`; empty when the study has none.

        Whoever finished but failed attention checks gets the code for completing where there is no other: nobody is
        rejected by a program.
        """
        codes: dict[str, str] = self.completion_codes
        if outcome == "failed_checks" and not codes.get(outcome):
            outcome = "completed"
        return str(codes.get(outcome, ""))
