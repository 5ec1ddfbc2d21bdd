"""From a species and a pose to the shapes of one bird, back to front; lengths in body lengths, the bird looks right."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from vsum_core.synthetic.canvas import Mark, Shape
from vsum_core.synthetic.shapes import Colour, beside, curve, direction, leaf, oval, ribbon, rotated, toned
from vsum_core.synthetic.species import BeakKind, BodyPattern, Part, Species, TailKind, WingPattern


@dataclass(frozen=True, kw_only=True)
class Pose:
    """How one bird holds itself; angles in degrees, positive clockwise on the screen.

    Attributes:
        posture: of the body; negative lifts the breast.
        gaze: of the beak.
        neck_reach: how far a long neck stretches, 0 to 1.
        wing: turn of the wing around the shoulder; negative droops, positive lifts it off the back.
        wing_spread: angle between the first and the last long feather.
        tail: turn of the tail.
        stride: distance between the feet in body lengths.
        head_size, wing_size, tail_size: relative to the species' usual size.
    """

    posture: float
    gaze: float
    neck_reach: float
    wing: float
    wing_spread: float
    tail: float
    stride: float
    head_size: float
    wing_size: float
    tail_size: float


def random_pose(generator: np.random.Generator) -> Pose:
    """A natural pose, drawn evenly from the ranges below."""
    draw = generator.uniform
    return Pose(
        posture=draw(-30, -4),
        gaze=draw(-12, 16),
        neck_reach=draw(0, 1),
        wing=draw(-12, 34),
        wing_spread=draw(8, 30),
        tail=draw(-14, 14),
        stride=draw(0.02, 0.3),
        head_size=draw(0.92, 1.12),
        wing_size=draw(0.9, 1.12),
        tail_size=draw(0.88, 1.12),
    )


def bird_shapes(species: Species, pose: Pose) -> list[Shape]:
    """All shapes of the bird in painting order: tail, legs, body, wing, neck, head, beak."""
    posture = pose.posture if species.neck is None else 0.55 * pose.posture
    joints = _Joints.of(species, pose, posture)
    return [
        *_tail(species, pose, joints, posture),
        *_legs(species, pose, joints),
        _body(species, posture),
        *_neck(species, joints),
        *_wing(species, pose, joints, posture),
        *_head(species, pose, joints),
        *_beak(species, pose, joints),
    ]


@dataclass(frozen=True)
class _Joints:
    tail: np.ndarray
    hip: np.ndarray
    shoulder: np.ndarray
    head: np.ndarray
    head_radius: float
    neck_path: np.ndarray | None

    @staticmethod
    def of(species: Species, pose: Pose, posture: float) -> _Joints:
        radius = 0.225 * pose.head_size
        neck_base = rotated(np.array([0.36, -0.1]), posture)
        neck_path = None
        if species.neck is None:
            head = rotated(np.array([0.43, -0.22]), posture) + np.array([0.0, -0.1])
        else:
            radius *= 0.82
            head = neck_base + np.array([0.1 + 0.22 * (1 - pose.neck_reach), -0.5 - 0.3 * pose.neck_reach])
            bend = 0.34 + 0.3 * (1 - pose.neck_reach)
            neck_path = curve([neck_base, beside(neck_base, bend, -0.06), beside(head, -bend, 0.02), head])
        return _Joints(
            tail=rotated(np.array([-0.44, 0.0]), posture),
            hip=rotated(np.array([0.0, 0.22]), posture),
            shoulder=rotated(np.array([0.2, -0.1]), posture),
            head=head,
            head_radius=radius,
            neck_path=neck_path,
        )


def _body(species: Species, posture: float) -> Shape:
    style = species.body
    outline = rotated(oval(np.zeros(2), 0.54, 0.335, taper=0.2), posture)
    marks: list[Mark] = []
    if style.pattern is BodyPattern.BREASTED:
        marks.append(Mark(rotated(oval(np.array([0.33, 0.1]), 0.4, 0.4, angle=-20), posture), style.patch))
        marks.append(Mark(rotated(oval(np.array([-0.1, 0.36]), 0.36, 0.17), posture), toned(style.patch, 1.72)))
        marks += _flecks(posture, toned(style.patch, 0.72))
    elif style.pattern is BodyPattern.BIBBED:
        border = colour_between(style.patch, (205, 62, 48), 0.8)
        marks.append(Mark(rotated(oval(np.array([0.44, 0.0]), 0.29, 0.36, angle=-20), posture), border))
        marks.append(Mark(rotated(oval(np.array([0.47, -0.04]), 0.27, 0.33, angle=-20), posture), style.patch))
        for row in range(4):
            stripe = curve([(-0.42, 0.06 + 0.075 * row), (-0.1, 0.12 + 0.085 * row), (0.2, 0.08 + 0.085 * row)])
            marks.append(Mark(rotated(stripe, posture), toned(style.base, 1.22), 0.018))
    else:
        marks += _scales(posture, style.patch, toned(style.base, 1.16))
    return Shape(Part.BODY, outline, style.base, tuple(marks), light=0.07)


def colour_between(first: Colour, second: Colour, share: float = 0.5) -> Colour:
    """Mix two colours; ``share`` 0 gives the first, 1 the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def _flecks(posture: float, tint: Colour) -> list[Mark]:
    marks = []
    for row in range(4):
        for column in range(5):
            centre = np.array([0.5 - 0.11 * column + 0.055 * (row % 2), -0.06 + 0.105 * row])
            fleck = np.array([[-0.026, -0.02], [0.0, 0.022], [0.026, -0.02]]) + centre
            marks.append(Mark(rotated(fleck, posture), tint, 0.016))
    return marks


def _scales(posture: float, edge: Colour, shine: Colour) -> list[Mark]:
    marks = []
    for row in range(6):
        for column in range(9):
            centre = np.array([-0.5 + 0.135 * column + 0.067 * (row % 2), -0.27 + 0.115 * row])
            arc = curve([beside(centre, -0.066, -0.02), beside(centre, 0.0, 0.12), beside(centre, 0.066, -0.02)], 7)
            marks.append(Mark(rotated(arc, posture), edge, 0.02))
            if (row + column) % 3 == 0:
                marks.append(Mark(rotated(oval(beside(centre, 0.0, -0.012), 0.022, 0.014), posture), shine))
    return marks


def _neck(species: Species, joints: _Joints) -> list[Shape]:
    if species.neck is None or joints.neck_path is None:
        return []
    style, path = species.neck, joints.neck_path
    outline = ribbon(path, (0.27, 0.19, 0.15, 0.145, 0.16))
    marks = []
    along = np.gradient(path, axis=0)
    for place in range(4, len(path) - 2, 3):
        across = np.array([-along[place][1], along[place][0]]) / np.linalg.norm(along[place])
        forward = along[place] / np.linalg.norm(along[place])
        ring = curve([path[place] - 0.14 * across, path[place] + 0.07 * forward, path[place] + 0.14 * across], 7)
        marks.append(Mark(ring, style.ring, 0.022))
    return [Shape(Part.NECK, outline, style.base, tuple(marks), light=0.025)]


def _head(species: Species, pose: Pose, joints: _Joints) -> list[Shape]:
    style, centre, radius = species.head, joints.head, joints.head_radius
    shapes = []
    if style.crest is not None:
        for turn, length in ((196, 0.34), (216, 0.38), (238, 0.36), (260, 0.3)):
            root = centre + 0.72 * radius * direction(turn + 12)
            outline = leaf(root, turn + 0.6 * pose.gaze, length * pose.head_size, 0.1)
            rib = np.stack([root, root + 0.8 * length * direction(turn + 0.6 * pose.gaze)])
            shapes.append(Shape(Part.HEAD, outline, style.crest, (Mark(rib, toned(style.crest, 1.3), 0.014),)))
    marks: list[Mark] = []
    if style.mask is not None:
        face = centre + rotated(np.array([0.62 * radius, 0.3 * radius]), pose.gaze)
        marks.append(Mark(oval(face, 0.95 * radius, 0.85 * radius, angle=pose.gaze), style.mask))
    else:
        cheek = centre + rotated(np.array([-0.15 * radius, 0.5 * radius]), pose.gaze)
        marks.append(Mark(oval(cheek, 0.5 * radius, 0.28 * radius, angle=pose.gaze - 12), toned(style.base, 1.4)))
    eye = centre + rotated(np.array([0.3 * radius, -0.16 * radius]), pose.gaze)
    marks.append(Mark(oval(eye, 0.38 * radius, 0.38 * radius), style.eye_ring))
    marks.append(Mark(oval(eye, 0.27 * radius, 0.27 * radius), (26, 24, 34)))
    marks.append(Mark(oval(eye + radius * np.array([0.08, -0.1]), 0.095 * radius, 0.095 * radius), (255, 255, 255)))
    outline = oval(centre, 1.04 * radius, 0.97 * radius, angle=pose.gaze)
    return [*shapes, Shape(Part.HEAD, outline, style.base, tuple(marks), light=0.035)]


def _beak(species: Species, pose: Pose, joints: _Joints) -> list[Shape]:
    style = species.beak
    size = joints.head_radius / 0.225
    root = joints.head + 0.86 * joints.head_radius * direction(pose.gaze + 6)

    def placed(points: np.ndarray) -> np.ndarray:
        return rotated(points * size, pose.gaze) + root

    outline, marks = _BEAKS[style.kind](style.base, style.tip)
    placed_marks = tuple(
        dataclasses.replace(mark, points=placed(mark.points), width=mark.width * size) for mark in marks
    )
    return [Shape(Part.BEAK, placed(outline), style.base, placed_marks, light=0.028)]


def _cone(base: Colour, tip: Colour) -> tuple[np.ndarray, list[Mark]]:
    upper = curve([(-0.02, -0.1), (0.11, -0.1), (0.21, 0.025)], 10)
    lower = curve([(0.21, 0.025), (0.09, 0.1), (-0.02, 0.1)], 10)
    marks = [
        Mark(np.array([[0.12, -0.2], [0.4, -0.2], [0.4, 0.2], [0.12, 0.2]]), tip),
        Mark(curve([(-0.02, 0.02), (0.1, 0.015), (0.21, 0.025)], 8), toned(base, 0.4), 0.016),
    ]
    return np.concatenate([upper, lower]), marks


def _dagger(base: Colour, tip: Colour) -> tuple[np.ndarray, list[Mark]]:
    upper = curve([(-0.02, -0.085), (0.2, -0.07), (0.56, 0.0)], 10)
    lower = curve([(0.56, 0.0), (0.3, 0.1), (-0.02, 0.09)], 10)
    marks = [
        Mark(np.array([[-0.1, 0.012], [0.6, 0.0], [0.6, 0.2], [-0.1, 0.2]]), tip),
        Mark(np.array([[-0.02, 0.012], [0.56, 0.0]]), toned(base, 0.4), 0.016),
        Mark(oval(np.array([0.07, -0.035]), 0.022, 0.012), toned(base, 0.3)),
    ]
    return np.concatenate([upper, lower]), marks


def _banded(base: Colour, tip: Colour) -> tuple[np.ndarray, list[Mark]]:
    upper = curve([(-0.03, -0.15), (0.3, -0.3), (0.68, -0.14), (0.7, 0.14)], 16)
    lower = curve([(0.7, 0.14), (0.5, 0.06), (0.2, 0.2), (-0.03, 0.14)], 14)
    marks = [
        Mark(np.array([[-0.1, -0.02], [0.8, -0.02], [0.8, 0.4], [-0.1, 0.4]]), toned(base, 0.86)),
        Mark(curve([(0.54, -0.4), (0.5, 0.0), (0.58, 0.4)], 8), tip, 0.05),
        Mark(curve([(0.36, -0.4), (0.31, 0.0), (0.36, 0.4)], 8), colour_between(base, (190, 45, 35), 0.75), 0.06),
        Mark(oval(np.array([0.74, 0.08]), 0.13, 0.2), tip),
        Mark(curve([(-0.03, -0.2), (0.05, 0.0), (-0.03, 0.2)], 8), tip, 0.045),
        Mark(curve([(-0.03, 0.0), (0.3, -0.05), (0.7, 0.12)], 10), toned(base, 0.4), 0.018),
        Mark(curve([(0.1, -0.13), (0.3, -0.2), (0.48, -0.13)], 8), toned(base, 1.55), 0.03),
    ]
    return np.concatenate([upper, lower]), marks


def _bent(base: Colour, tip: Colour) -> tuple[np.ndarray, list[Mark]]:
    path = curve([(-0.02, 0.0), (0.34, -0.06), (0.42, 0.08), (0.35, 0.36)], 18)
    marks = [
        Mark(np.array([[0.2, 0.42], [0.6, 0.42], [0.6, 0.14], [0.14, 0.14]]), tip),
        Mark(path + np.array([0.0, 0.01]), toned(base, 0.55), 0.016),
        Mark(oval(np.array([0.12, -0.03]), 0.024, 0.013), toned(base, 0.45)),
    ]
    return ribbon(path, (0.2, 0.19, 0.18, 0.12, 0.03)), marks


_BEAKS: dict[BeakKind, Callable[[Colour, Colour], tuple[np.ndarray, list[Mark]]]] = {
    BeakKind.CONE: _cone,
    BeakKind.DAGGER: _dagger,
    BeakKind.BANDED: _banded,
    BeakKind.BENT: _bent,
}


def _wing(species: Species, pose: Pose, joints: _Joints, posture: float) -> list[Shape]:
    style, size = species.wing, pose.wing_size
    axis = 176 + posture + pose.wing
    shapes = []
    for number in range(6):
        share = number / 5
        # The lowest feather lies at the back of the pile; the one along the back on top.
        angle = axis - 12 + (0.5 - share) * pose.wing_spread
        root = joints.shoulder + size * (0.16 + 0.03 * number) * direction(axis - 6)
        length = size * (0.44 + 0.1 * share)
        outline = leaf(root, angle, length, 0.15 * size)
        ahead = direction(angle)
        marks = [Mark(np.stack([root, root + 0.9 * length * ahead]), toned(style.feathers, 0.62), 0.014)]
        if style.pattern is WingPattern.TIPPED:
            marks.insert(0, Mark(leaf(root + 0.56 * length * ahead, angle, 0.5 * length, 0.24), style.accent))
        elif style.pattern is WingPattern.BARRED:
            marks += [_bar(root + step * length * ahead, angle, style.accent, 0.05) for step in (0.5, 0.72, 0.93)]
        else:
            marks.append(Mark(outline, style.accent, 0.026))
        shapes.append(Shape(Part.WING, outline, toned(style.feathers, 1 + 0.07 * (number % 2)), tuple(marks)))
    centre = joints.shoulder + size * 0.14 * direction(axis - 4)
    outline = oval(centre, 0.33 * size, 0.205 * size, angle=axis - 4 + 180, taper=0.22)
    light = 0.03 if style.pattern is WingPattern.BARRED else 0.045
    return [
        *shapes,
        Shape(Part.WING, outline, style.coverts, tuple(_covert_marks(species, centre, axis - 4, size)), light),
    ]


def _bar(place: np.ndarray, angle: float, tint: Colour, width: float) -> Mark:
    across = direction(angle + 90)
    return Mark(np.stack([place - 0.12 * across, place + 0.12 * across]), tint, width)


def _covert_marks(species: Species, centre: np.ndarray, axis: float, size: float) -> list[Mark]:
    style = species.wing
    marks = []
    for row in range(4):
        for column in range(-2, 4):
            local = np.array([0.31 - 0.145 * row, -0.2 + 0.105 * column + 0.052 * (row % 2)]) * size
            place = centre + rotated(local, axis)
            if style.pattern is WingPattern.BARRED:
                spot = oval(place, 0.03 * size, 0.022 * size, angle=axis)
                marks.append(Mark(spot, style.accent))
            else:
                reach = 0.1 if style.pattern is WingPattern.SCALLOPED else 0.14
                corners = np.array([[-0.05, -0.055], [reach, 0.0], [-0.05, 0.055]]) * size
                arc = curve(place + rotated(corners, axis), 7)
                tint = style.accent if style.pattern is WingPattern.SCALLOPED else toned(style.coverts, 1.5)
                marks.append(Mark(arc, tint, 0.024))
    return marks


def _legs(species: Species, pose: Pose, joints: _Joints) -> list[Shape]:
    style = species.legs
    shapes = []
    for side, shade in ((-1, 0.82), (1, 1.0)):
        tint = toned(style.base, shade)
        hip = joints.hip + np.array([0.1 * side, -0.02])
        foot = np.array([hip[0] + 0.5 * side * pose.stride, joints.hip[1] + 0.12 + style.length])
        knee = 0.55 * hip + 0.45 * foot + np.array([-0.05, 0.0])
        for toe, rise in ((0.2, 0.03), (0.14, 0.055), (-0.1, 0.035)):
            path = np.stack([foot, foot + 0.5 * np.array([toe, 0.0]), foot + np.array([toe, rise])])
            shapes.append(Shape(Part.LEGS, ribbon(path, (0.055, 0.05, 0.025)), tint))
        path = np.concatenate([curve([hip, knee], 8), curve([knee, foot], 8)[1:]])
        bands = [
            Mark(np.stack([beside(path[place], -0.06, 0), beside(path[place], 0.06, 0)]), style.joint, 0.026)
            for place in range(2, len(path) - 1, 2)
        ]
        shapes.append(Shape(Part.LEGS, ribbon(path, (0.085, 0.06, 0.07, 0.058, 0.06)), tint, tuple(bands)))
    return shapes


def _tail(species: Species, pose: Pose, joints: _Joints, posture: float) -> list[Shape]:
    style, size = species.tail, pose.tail_size
    count, length, width, spread, lift = {
        TailKind.WEDGE: (5, 0.62, 0.15, 26.0, -6.0),
        TailKind.STUB: (4, 0.36, 0.16, 44.0, 4.0),
        TailKind.FAN: (13, 1.08, 0.2, 136.0, 34.0),
    }[style.kind]
    heading = 180 + posture + pose.tail + lift
    order = sorted(range(count), key=lambda number: -abs(number - (count - 1) / 2))
    shapes = []
    for number in order:
        angle = heading + spread * (number / (count - 1) - 0.5)
        reach = length * size
        outline = leaf(joints.tail + 0.06 * direction(posture), angle, reach, width * size)
        root, ahead = joints.tail, direction(angle)
        marks = [Mark(np.stack([root, root + 0.93 * reach * ahead]), toned(style.base, 0.6), 0.016)]
        if style.kind is TailKind.FAN:
            marks += _eyespot(root + 0.8 * reach * ahead, style.accent, size)
            marks += [_chevron(root + step * reach * ahead, angle, toned(style.base, 1.35)) for step in (0.35, 0.5)]
        elif style.kind is TailKind.WEDGE:
            marks += [_bar(root + step * reach * ahead, angle, style.accent, 0.032) for step in (0.5, 0.68, 0.86)]
        else:
            marks.append(Mark(leaf(root + 0.72 * reach * ahead, angle, 0.4 * reach, 0.3), style.accent))
        shapes.append(Shape(Part.TAIL, outline, toned(style.base, 1 + 0.1 * (number % 2)), tuple(marks)))
    return shapes


def _eyespot(centre: np.ndarray, gold: Colour, size: float) -> list[Mark]:
    rings = ((0.088, gold), (0.062, (38, 122, 150)), (0.034, (24, 34, 80)))
    return [Mark(oval(centre, radius * size, radius * size), tint) for radius, tint in rings]


def _chevron(place: np.ndarray, angle: float, tint: Colour) -> Mark:
    ahead, across = direction(angle), direction(angle + 90)
    return Mark(
        np.stack([place - 0.06 * across + 0.06 * ahead, place, place + 0.06 * across + 0.06 * ahead]), tint, 0.018
    )
