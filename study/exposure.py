"""The exposure audit: does anything that a participant sees in one trial give the answer of another away? Pure.

It knows nothing of how a plan was drawn. It takes what trials show, as they are stored, and looks for leaks:

* `summary-asked-twice`: two trials are about the same summary;
* `summary-known`: a task asks about a summary that another task shows too, whole or in part;
* `picture-repeated`: a picture that stood alone in one trial, such as a tile, is seen again in another;
* `image-known`: a trial asks what a network answers to an image of which another trial shows a region;
* `image-asked-twice`: two trials ask about the same image;
* `answer-explained`: an attention check shows what practice has explained, with the same right answer.

The order of trials does not matter: blocks may come in any order, and a participant can think back.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

from study.material import picture_places


@dataclass(frozen=True)
class ShownStimulus:
    """What the audit knows of a stimulus: images of its members, and hashes of its pictures."""

    images: frozenset[str]
    pictures: frozenset[str]
    crops: tuple[str, ...]


@dataclass(frozen=True)
class Exposure:
    """What one trial shows.

    Attributes:
        position: its place in the participant's sequence, from 1.
        task: its task type; only leaks within one task may be meant.
        about: the summary that it asks about, where there is one.
        summaries: every summary of which it shows something.
        pictures: hashes of the pictures of the whole summary, where all of it is shown.
        single: hashes of pictures that stand alone: tiles and new images.
        images: images of which it shows a region, or the whole.
        asked_images: images whose answer it asks for.
        explained: static pictures whose answer practice explains, and the right answer; see `known`.
        known: the same of attention checks.
    """

    position: int
    task: str
    about: str | None = None
    summaries: frozenset[str] = frozenset()
    pictures: frozenset[str] = frozenset()
    single: frozenset[str] = frozenset()
    images: frozenset[str] = frozenset()
    asked_images: frozenset[str] = frozenset()
    explained: frozenset[tuple[str, frozenset[str]]] = frozenset()
    known: frozenset[tuple[str, frozenset[str]]] = frozenset()


@dataclass(frozen=True, order=True)
class Leak:
    """Two trials of one participant that give each other's answer away, and through what."""

    kind: str
    first: int
    second: int
    what: str


def exposure_of(
    trial: Mapping[str, Any],
    stimuli: Mapping[str, ShownStimulus],
    image_pictures: Mapping[str, str],
    *,
    position: int,
    expected: frozenset[str] = frozenset(),
) -> Exposure:
    """Return what a trial shows.

    Args:
        trial: `phase`, `task`, `stimulus` (an identifier or None) and `detail`, as a slot or a trial stores them.
        stimuli: all stimuli of the study by identifier.
        image_pictures: hash of the picture of every new image.
        position: place in the participant's sequence, from 1.
        expected: right answers of items with a known answer.

    Raises:
        KeyError: the trial shows a stimulus or an image that the study does not have.
    """
    if trial["phase"] != "main":
        shown = frozenset(
            (place["picture"]["static"], expected) for place in picture_places(trial["detail"]) if place["picture"]
        )
        if trial["phase"] == "practice":
            return Exposure(position, trial["task"], explained=shown)
        return Exposure(position, trial["task"], known=shown)
    about: str | None = trial["stimulus"]
    summaries: set[str] = set()
    pictures: set[str] = set()
    single: set[str] = set()
    images: set[str] = set()
    asked: set[str] = set()
    places = list(picture_places(trial["detail"]))
    for place in places:
        if "image" in place:
            asked.add(place["image"])
            images.add(place["image"])
            single.add(image_pictures[place["image"]])
        elif "member" in place:
            summaries.add(place["summary"])
            single.add(stimuli[place["summary"]].crops[place["member"]])
            images |= stimuli[place["summary"]].images
        else:
            summaries.add(place["summary"])
            images |= stimuli[place["summary"]].images
    if about is not None and not places:
        pictures |= stimuli[about].pictures
        images |= stimuli[about].images
    if about is not None:
        summaries.add(about)
    return Exposure(
        position=position,
        task=trial["task"],
        about=about,
        summaries=frozenset(summaries),
        pictures=frozenset(pictures),
        single=frozenset(single),
        images=frozenset(images),
        asked_images=frozenset(asked),
    )


def find_leaks(exposures: Sequence[Exposure]) -> list[Leak]:
    """Return the leaks among the trials of one participant, in order."""
    leaks: set[Leak] = set()
    leaks |= _repeated(exposures, "summary-asked-twice", lambda trial: {trial.about} - {None})
    leaks |= _repeated(exposures, "picture-repeated", lambda trial: trial.single)
    leaks |= _repeated(exposures, "image-asked-twice", lambda trial: trial.asked_images)
    shown_by: dict[str, list[Exposure]] = defaultdict(list)
    regions_of: dict[str, list[Exposure]] = defaultdict(list)
    explained: dict[tuple[str, frozenset[str]], Exposure] = {}
    for trial in exposures:
        for summary in trial.summaries:
            shown_by[summary].append(trial)
        for image in trial.images:
            regions_of[image].append(trial)
        explained |= dict.fromkeys(trial.explained, trial)
    for summary, trials in shown_by.items():
        for first, second in combinations(trials, 2):
            if first.task != second.task:
                leaks.add(_leak("summary-known", first, second, summary))
    whole: dict[str, list[Exposure]] = defaultdict(list)
    for trial in exposures:
        for picture in trial.pictures:
            whole[picture].append(trial)
    for trial in exposures:
        for picture in trial.single:
            # Networks may share a region, so within one task a picture may be in two summaries.
            leaks |= {
                _leak("picture-repeated", trial, other, picture) for other in whole[picture] if other.task != trial.task
            }
        for image in trial.asked_images:
            leaks |= {
                _leak("image-known", trial, other, image)
                for other in regions_of[image]
                if other is not trial and image not in other.asked_images
            }
        for known in trial.known & explained.keys():
            leaks.add(_leak("answer-explained", explained[known], trial, known[0]))
    return sorted(leaks)


def _repeated(exposures: Sequence[Exposure], kind: str, keys: Any) -> set[Leak]:
    seen: dict[Any, Exposure] = {}
    leaks = set()
    for trial in exposures:
        for key in keys(trial):
            if key in seen:
                leaks.add(_leak(kind, seen[key], trial, str(key)))
            seen.setdefault(key, trial)
    return leaks


def _leak(kind: str, first: Exposure, second: Exposure, what: str) -> Leak:
    low, high = sorted((first.position, second.position))
    return Leak(kind, low, high, what)
