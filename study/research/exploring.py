"""What the stimulus explorer shows: class → summary → region → image, with every number and hash behind it."""

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Q

from study.models import Arm, ImportedRun, Phase, Stimulus, Study

LABELS = {
    "median_ssim": "median SSIM",
    "mean_similarity": "mean similarity",
    "mean_drop": "mean score drop",
    "size_before_filter": "members before the filter",
    "part": "true part",
    "purity": "purity",
}


@dataclass(frozen=True)
class ClassCard:
    """One class: how many summaries and controls it has, and a picture to know it by."""

    name: str
    summaries: int
    controls: int
    networks: int
    picture: Any


@dataclass(frozen=True)
class Fact:
    """One number, word or hash, with what it is called."""

    label: str
    value: Any
    is_hash: bool = False


def class_cards(study: Study) -> list[ClassCard]:
    """Return one card per class, by name."""
    counted = (
        study.conditions.values("class_name")
        .annotate(
            summaries=Count("stimuli", filter=Q(arm=Arm.SUMMARIES)),
            controls=Count("stimuli", filter=~Q(arm=Arm.SUMMARIES)),
            networks=Count("network", distinct=True),
        )
        .order_by("class_name")
    )
    cards = []
    for row in counted:
        first = (
            Stimulus.objects.filter(study=study, condition__class_name=row["class_name"])
            .order_by("condition__arm", "identifier")
            .only("pictures")
        )
        summary = first.filter(condition__arm=Arm.SUMMARIES).first() or first.first()
        cards.append(
            ClassCard(row["class_name"], row["summaries"], row["controls"], row["networks"], summary and summary.grid)
        )
    return cards


def summaries_of_class(study: Study, class_name: str) -> dict[tuple[str, str, str], list[Stimulus]]:
    """Return the stimuli of a class by network, method and arm, each with its number of answers."""
    stimuli = (
        Stimulus.objects.filter(study=study, condition__class_name=class_name)
        .select_related("condition")
        .annotate(answers_number=Count("trials__answer", filter=Q(trials__phase=Phase.MAIN)))
        .order_by("condition__network", "condition__method", "condition__arm", "identifier")
    )
    groups: dict[tuple[str, str, str], list[Stimulus]] = defaultdict(list)
    for stimulus in stimuli:
        condition = stimulus.condition
        groups[condition.network, condition.method, condition.get_arm_display()].append(stimulus)
    return dict(groups)


def summary_facts(stimulus: Stimulus) -> list[Fact]:
    """Return the numbers of a summary as its manifest has them, and the hash of its picture."""
    facts = [
        Fact(LABELS.get(name, name.replace("_", " ")), _rounded(value)) for name, value in stimulus.quality.items()
    ]
    return [Fact("regions", len(stimulus.members)), *facts, Fact("grid SHA-256", stimulus.grid.sha256, is_hash=True)]


def suggested_words(stimulus: Stimulus) -> list[Fact]:
    """Return the words that a program suggests for a summary, the best first, each with its score and the program.

    Runs made with `pregenerate --tags` have them. They are no answers: nobody has said them.
    """
    summaries = stimulus.run.manifest["summaries"]
    record: dict[str, Any] = next((one for one in summaries if one["id"] == stimulus.identifier), {})
    return [Fact(tag["word"], f"{tag['score']:.2f} ({tag['tagger']})") for tag in record.get("tags", ())]


def provenance(stimulus: Stimulus) -> list[Fact]:
    """Return where a summary comes from: run, code, network, weights, seed."""
    manifest = stimulus.run.manifest
    run = manifest["run"]
    network: dict[str, Any] = next(
        (one for one in manifest["networks"] if one["name"] == stimulus.condition.network), {}
    )
    clustering: dict[str, Any] = next(
        (
            one
            for one in manifest["clusterings"]
            if (one["class"], one["network"], one["method"], one["arm"])
            == (
                stimulus.condition.class_name,
                stimulus.condition.network,
                stimulus.condition.method,
                stimulus.condition.arm,
            )
        ),
        {},
    )
    return [
        Fact("run digest", run["digest"], is_hash=True),
        Fact("code version", run.get("code_version")),
        Fact("dataset", run.get("dataset")),
        Fact("constants", run.get("preset")),
        Fact("seed", run.get("seed")),
        Fact("weights", network.get("weights")),
        Fact("weights SHA-256", network.get("weights_sha256"), is_hash=True),
        *(
            Fact(name.replace("_", " "), _rounded(clustering[name]))
            for name in ("images", "regions", "clusters", "accepted", "converged", "coverage")
            if name in clustering
        ),
    ]


@dataclass(frozen=True)
class Region:
    """One region: its cell and crop, its box in per cent of the image, and what the manifest tells of its image."""

    number: int
    cell: Any
    crop: Any
    box: tuple[float, float, float, float]
    facts: list[Fact]
    image: list[Fact]
    mask: list[Fact]


def region(stimulus: Stimulus, number: int) -> Region:
    """Return what is known of one region, counted from 1.

    Raises:
        IndexError: the summary has no such region.
    """
    if not 1 <= number <= len(stimulus.members):
        raise IndexError(f"{stimulus.identifier} has regions 1 to {len(stimulus.members)}, not {number}.")
    member, cell, crop = stimulus.members[number - 1], stimulus.cells[number - 1], stimulus.crops[number - 1]
    left, top, right, bottom = member["box"]
    manifest = stimulus.run.manifest
    image: dict[str, Any] = next((one for one in manifest["images"] if one["id"] == member["image"]), {})
    mask: dict[str, Any] = next(
        (
            one
            for one in manifest["masks"]
            if one.get("image") == member["image"] and one.get("network") == stimulus.condition.network
        ),
        {},
    )
    return Region(
        number=number,
        cell=cell,
        crop=crop,
        box=(100 * left, 100 * top, 100 * (right - left), 100 * (bottom - top)),
        facts=[
            Fact("box (left, top, right, bottom)", ", ".join(f"{side:.3f}" for side in member["box"])),
            Fact("similarity to the exemplar", _rounded(member.get("similarity"))),
            Fact("score drop", _rounded(member.get("drop"))),
            Fact("true part", member.get("part")),
            Fact("cell SHA-256", cell.sha256, is_hash=True),
            Fact("crop SHA-256", crop.sha256, is_hash=True),
        ],
        image=_facts(image),
        mask=_facts(mask, leave_out=("image", "class", "network")),
    )


def _facts(record: dict[str, Any], leave_out: tuple[str, ...] = ()) -> list[Fact]:
    return [
        Fact(name.replace("_", " "), _rounded(value), is_hash="sha256" in name)
        for name, value in record.items()
        if name not in leave_out and isinstance(value, str | int | float | bool | None)
    ]


def _rounded(value: Any) -> Any:
    return round(value, 4) if isinstance(value, float) else value


def runs_of(study: Study) -> list[ImportedRun]:
    """Return the runs of a study without their manifests, which can be large."""
    return list(study.runs.defer("manifest").annotate(stimuli_number=Count("stimuli")).order_by("imported_at"))
