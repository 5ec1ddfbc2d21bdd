"""What a study can show, as plain data: stimuli and predictions. Read once, before a plan is drawn."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

SUMMARIES = "summaries"
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class Member:
    """One region of a stimulus: its image's identifier, and its box in fractions of the image."""

    image: str
    box: Box


@dataclass(frozen=True)
class MaterialStimulus:
    """A stimulus without its pictures. `part` is the true part that most members show, for drawn images only."""

    identifier: str
    network: str
    class_name: str
    method: str
    arm: str
    members: tuple[Member, ...]
    part: str | None = None
    mean_drop: float | None = None

    @property
    def images(self) -> frozenset[str]:
        """Images that the members come from."""
        return frozenset(member.image for member in self.members)

    @property
    def set_key(self) -> tuple[str, str, str, str]:
        """Network, class, method and arm: the set of summaries that it belongs to."""
        return (self.network, self.class_name, self.method, self.arm)


@dataclass(frozen=True)
class MaterialPrediction:
    """A network's answer to one image."""

    network: str
    image: str
    class_name: str
    answer: str
    correct: bool


@dataclass(frozen=True)
class Material:
    """All stimuli and predictions of a study, sorted by identifier."""

    stimuli: tuple[MaterialStimulus, ...]
    predictions: tuple[MaterialPrediction, ...] = field(default=())

    @cached_property
    def by_identifier(self) -> dict[str, MaterialStimulus]:
        """The stimuli by identifier."""
        return {stimulus.identifier: stimulus for stimulus in self.stimuli}

    @cached_property
    def sets(self) -> dict[tuple[str, str, str, str], tuple[MaterialStimulus, ...]]:
        """The stimuli of each network, class, method and arm, the largest mean drop first."""
        groups: dict[tuple[str, str, str, str], list[MaterialStimulus]] = defaultdict(list)
        for stimulus in self.stimuli:
            groups[stimulus.set_key].append(stimulus)
        return {
            key: tuple(sorted(group, key=lambda stimulus: (-(stimulus.mean_drop or 0.0), stimulus.identifier)))
            for key, group in sorted(groups.items())
        }

    @cached_property
    def member_images(self) -> frozenset[str]:
        """Images that any stimulus shows a region of."""
        return frozenset(image for stimulus in self.stimuli for image in stimulus.images)


def intersection_over_union(first: Box, second: Box) -> float:
    """Return the share of two boxes' union that both cover, from 0 to 1."""
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    both = width * height
    areas = sum((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return both / (areas - both)


def share_regions(first: MaterialStimulus, second: MaterialStimulus, *, overlap: float) -> bool:
    """Tell whether the stimuli show the same place of one image: boxes whose intersection over union is `overlap`."""
    boxes = {member.image: member.box for member in first.members}
    return any(
        intersection_over_union(boxes[member.image], member.box) >= overlap
        for member in second.members
        if member.image in boxes
    )


def picture_places(detail: Any) -> Iterator[dict[str, Any]]:
    """Yield every object inside a trial's detail that has a place for a picture: the key `picture`."""
    if isinstance(detail, dict):
        if "picture" in detail:
            yield detail
        else:
            for value in detail.values():
                yield from picture_places(value)
    elif isinstance(detail, list):
        for value in detail:
            yield from picture_places(value)


def with_pictures(detail: Mapping[str, Any], find: Callable[[Mapping[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """Return a copy of a trial's detail in which `find` has filled every place for a picture."""

    def filled(value: Any) -> Any:
        if isinstance(value, dict):
            if "picture" in value:
                return {**value, "picture": find(value)}
            return {key: filled(entry) for key, entry in value.items()}
        if isinstance(value, list):
            return [filled(entry) for entry in value]
        return value

    return {key: filled(value) for key, value in detail.items()}
