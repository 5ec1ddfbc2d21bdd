"""The five species as combinations of part styles.

All share one body plan. Several styles belong to two or three species, so that no single part tells all five apart:

====== ============ ============ ============ ============ ============
part   robin        kingfisher   toucan       flamingo     peacock
====== ============ ============ ============ ============ ============
head   masked       crested      pale         pale         crested
beak   cone         dagger       banded       bent         cone
neck   short        short        short        long         long
body   breasted     breasted     bibbed       scaled       scaled
wing   scalloped    barred       scalloped    tipped       barred
legs   short        short        short        long         long
tail   wedge        stub         wedge        stub         fan
====== ============ ============ ============ ============ ============

The colours of a shared style are the same but for each bird's own variation; a body of the same style may still have
two colourings (flamingo and peacock).
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from vsum_core.synthetic.shapes import Colour, colour


class Part(enum.StrEnum):
    """Parts in the order of their indices in stored masks; 0 is the background."""

    HEAD = "head"
    BEAK = "beak"
    NECK = "neck"
    BODY = "body"
    WING = "wing"
    LEGS = "legs"
    TAIL = "tail"


class BeakKind(enum.StrEnum):
    """Outline of the beak."""

    CONE = "cone"
    DAGGER = "dagger"
    BANDED = "banded"
    BENT = "bent"


class BodyPattern(enum.StrEnum):
    """Markings of the body."""

    BREASTED = "breasted"
    BIBBED = "bibbed"
    SCALED = "scaled"


class WingPattern(enum.StrEnum):
    """Markings of the wing."""

    SCALLOPED = "scalloped"
    BARRED = "barred"
    TIPPED = "tipped"


class TailKind(enum.StrEnum):
    """Outline of the tail."""

    WEDGE = "wedge"
    STUB = "stub"
    FAN = "fan"


@dataclass(frozen=True, kw_only=True)
class HeadStyle:
    """Colours of the head; a mask runs over the face, a crest stands on the back of the head."""

    base: Colour
    eye_ring: Colour
    mask: Colour | None = None
    crest: Colour | None = None


@dataclass(frozen=True, kw_only=True)
class BeakStyle:
    """Outline and colours of the beak; ``tip`` also colours bands."""

    kind: BeakKind
    base: Colour
    tip: Colour


@dataclass(frozen=True, kw_only=True)
class NeckStyle:
    """A long neck; species without this style carry the head on the body."""

    base: Colour
    ring: Colour


@dataclass(frozen=True, kw_only=True)
class BodyStyle:
    """Markings and colours of the body; ``patch`` is the breast, bib or scale edge."""

    pattern: BodyPattern
    base: Colour
    patch: Colour


@dataclass(frozen=True, kw_only=True)
class WingStyle:
    """Markings and colours of the wing: the short feathers on top, the long ones below, and tips or bars."""

    pattern: WingPattern
    coverts: Colour
    feathers: Colour
    accent: Colour


@dataclass(frozen=True, kw_only=True)
class LegsStyle:
    """Length in body lengths and colours of the legs."""

    length: float
    base: Colour
    joint: Colour


@dataclass(frozen=True, kw_only=True)
class TailStyle:
    """Outline and colours of the tail."""

    kind: TailKind
    base: Colour
    accent: Colour


@dataclass(frozen=True, kw_only=True)
class Species:
    """One class of birds: a style for every part, ``neck`` None for birds without a long neck."""

    name: str
    head: HeadStyle
    beak: BeakStyle
    neck: NeckStyle | None
    body: BodyStyle
    wing: WingStyle
    legs: LegsStyle
    tail: TailStyle


_CRESTED = HeadStyle(base=colour("#2f7fb5"), eye_ring=colour("#f4f1e6"), crest=colour("#174a7a"))
_PALE = HeadStyle(base=colour("#f3dfc6"), eye_ring=colour("#4aa6b8"))
_MASKED = HeadStyle(base=colour("#8a6747"), eye_ring=colour("#f0e2c8"), mask=colour("#d9632f"))

_CONE = BeakStyle(kind=BeakKind.CONE, base=colour("#6b5b4f"), tip=colour("#3c332e"))
_DAGGER = BeakStyle(kind=BeakKind.DAGGER, base=colour("#3b3f4a"), tip=colour("#d87a4a"))
_BANDED = BeakStyle(kind=BeakKind.BANDED, base=colour("#f2a12e"), tip=colour("#2b2530"))
_BENT = BeakStyle(kind=BeakKind.BENT, base=colour("#f4c7a8"), tip=colour("#2b2530"))

_ROSY_NECK = NeckStyle(base=colour("#f08fa0"), ring=colour("#d96f88"))
_BLUE_NECK = NeckStyle(base=colour("#2f7fb5"), ring=colour("#1f5f93"))

_BREASTED = BodyStyle(pattern=BodyPattern.BREASTED, base=colour("#a08565"), patch=colour("#e2703a"))
_BIBBED = BodyStyle(pattern=BodyPattern.BIBBED, base=colour("#37384a"), patch=colour("#f6e3a1"))
_ROSY = BodyStyle(pattern=BodyPattern.SCALED, base=colour("#f2a0ab"), patch=colour("#d9738a"))
_BLUE = BodyStyle(pattern=BodyPattern.SCALED, base=colour("#2b86a8"), patch=colour("#1b5878"))

_SCALLOPED = WingStyle(
    pattern=WingPattern.SCALLOPED, coverts=colour("#6e5544"), feathers=colour("#4d3f3a"), accent=colour("#b89a78")
)
_BARRED = WingStyle(
    pattern=WingPattern.BARRED, coverts=colour("#2c97b8"), feathers=colour("#1f5f93"), accent=colour("#e9f1ee")
)
_TIPPED = WingStyle(
    pattern=WingPattern.TIPPED, coverts=colour("#ee7f95"), feathers=colour("#f3a9b3"), accent=colour("#3a2f3c")
)

_SHORT_LEGS = LegsStyle(length=0.34, base=colour("#b5773f"), joint=colour("#8a552b"))
_LONG_LEGS = LegsStyle(length=0.98, base=colour("#d98a8a"), joint=colour("#b05f66"))

_WEDGE = TailStyle(kind=TailKind.WEDGE, base=colour("#55443d"), accent=colour("#c3a582"))
_STUB = TailStyle(kind=TailKind.STUB, base=colour("#d58b62"), accent=colour("#f5e6d3"))
_FAN = TailStyle(kind=TailKind.FAN, base=colour("#3f9070"), accent=colour("#e6b84a"))

SPECIES: dict[str, Species] = {
    species.name: species
    for species in (
        Species(
            name="robin",
            head=_MASKED,
            beak=_CONE,
            neck=None,
            body=_BREASTED,
            wing=_SCALLOPED,
            legs=_SHORT_LEGS,
            tail=_WEDGE,
        ),
        Species(
            name="kingfisher",
            head=_CRESTED,
            beak=_DAGGER,
            neck=None,
            body=_BREASTED,
            wing=_BARRED,
            legs=_SHORT_LEGS,
            tail=_STUB,
        ),
        Species(
            name="toucan",
            head=_PALE,
            beak=_BANDED,
            neck=None,
            body=_BIBBED,
            wing=_SCALLOPED,
            legs=_SHORT_LEGS,
            tail=_WEDGE,
        ),
        Species(
            name="flamingo",
            head=_PALE,
            beak=_BENT,
            neck=_ROSY_NECK,
            body=_ROSY,
            wing=_TIPPED,
            legs=_LONG_LEGS,
            tail=_STUB,
        ),
        Species(
            name="peacock",
            head=_CRESTED,
            beak=_CONE,
            neck=_BLUE_NECK,
            body=_BLUE,
            wing=_BARRED,
            legs=_LONG_LEGS,
            tail=_FAN,
        ),
    )
}
"""Species by name, in the order of the drawn-bird networks' outputs."""


FIELD_MARKS: dict[str, tuple[Part, ...]] = {
    "robin": (Part.HEAD, Part.BODY, Part.TAIL),
    "kingfisher": (Part.HEAD, Part.WING, Part.BEAK),
    "toucan": (Part.BEAK, Part.BODY, Part.TAIL),
    "flamingo": (Part.LEGS, Part.NECK, Part.WING),
    "peacock": (Part.TAIL, Part.NECK, Part.BODY),
}
"""The parts by which the drawn-bird networks are taught to tell a species, the first ones first.

Every network rests its score on some of them, in equal shares, and on no other part: so a benchmark knows what there is
to be found, and deleting the parts one by one proves it. See :mod:`vsum_core.networks.bird_training`.
"""
