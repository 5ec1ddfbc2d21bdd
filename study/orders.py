"""Orders, pure and seeded: blocks by a balanced Latin square, items over positions, targets over places."""

from collections.abc import Sequence

import numpy as np


def balanced_orders(count: int) -> tuple[tuple[int, ...], ...]:
    """Return the rows of a Latin square of `count` blocks in which each follows each other equally often.

    An even number needs one square, an odd number a square and its mirror (Williams 1949).
    """
    first = [0]
    for step in range(1, count):
        first.append((first[-1] + (step if step % 2 else -step)) % count)
    rows = [tuple((entry + shift) % count for entry in first) for shift in range(count)]
    if count % 2 and count > 1:
        rows += [tuple(reversed(row)) for row in rows]
    return tuple(rows)


def balance_positions(
    sequences: Sequence[Sequence[str]], *, alternatives: int, generator: np.random.Generator
) -> list[list[int]]:
    """Return, for each trial of each slot, the position of its target among `alternatives`, from 1.

    Within a slot no position occurs more than once more often than another; over the slots, positions that an item
    has had least are preferred, and so are those that were used least overall.
    """
    used = np.zeros(alternatives)
    by_item: dict[str, np.ndarray] = {}
    drawn: list[list[int]] = []
    for sequence in sequences:
        if not sequence:
            drawn.append([])
            continue
        turns, rest = divmod(len(sequence), alternatives)
        extra = np.argsort(used + 0.5 * generator.random(alternatives), kind="stable")[:rest]
        places = np.concatenate([np.tile(np.arange(alternatives), turns), extra]).astype(np.int64)
        had = np.array([by_item.setdefault(name, np.zeros(alternatives)) for name in sequence])
        cost = np.square(had[:, places]) + 0.01 * generator.random((len(sequence), len(places)))
        rows, columns = _cheapest_assignment(cost)
        positions = [0] * len(sequence)
        for row, column in zip(rows, columns, strict=True):
            place = int(places[column])
            positions[row] = place + 1
            by_item[sequence[row]][place] += 1
            used[place] += 1
        drawn.append(positions)
    return drawn


def order_items(sets: Sequence[Sequence[str]], *, generator: np.random.Generator) -> tuple[tuple[str, ...], ...]:
    """Order each slot's items so that every item visits early, middle and late positions about equally often.

    The cost of showing an item at a position is the squared distance that its summed displacement from the middle
    would have, in units of the sequence's length, plus the times it has been near that position; a little noise breaks
    ties.
    """
    length = len(sets[0])
    if length == 0:
        return tuple(() for _ in sets)
    displacement = (np.arange(length) - (length - 1) / 2) / max(1, length - 1)
    nearness = np.maximum(0.0, 1.0 - np.abs(np.subtract.outer(np.arange(length), np.arange(length))) / (length / 4 + 1))
    drift: dict[str, float] = {}
    visited: dict[str, np.ndarray] = {}
    ordered = []
    for members in sets:
        drifts = np.array([drift.get(identifier, 0.0) for identifier in members])
        visits = np.array([visited.get(identifier, np.zeros(length)) for identifier in members])
        cost = np.square(drifts[:, None] + displacement[None, :]) + visits + 0.01 * generator.random((length, length))
        rows, positions = _cheapest_assignment(cost)
        sequence = [""] * length
        for row, position in zip(rows, positions, strict=True):
            identifier = members[row]
            sequence[position] = identifier
            drift[identifier] = drift.get(identifier, 0.0) + float(displacement[position])
            visited[identifier] = visited.get(identifier, np.zeros(length)) + nearness[position] / length
        ordered.append(tuple(sequence))
    return tuple(ordered)


def _cheapest_assignment(cost: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return rows and columns of the cheapest one-to-one assignment."""
    # SciPy takes long to import (`python -X importtime`); pages never plan, and should not wait for it when they start.
    from scipy.optimize import linear_sum_assignment

    rows, columns = linear_sum_assignment(cost)
    return rows, columns
