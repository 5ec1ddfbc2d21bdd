import pytest

from study.exposure import Exposure, Leak, ShownStimulus, exposure_of, find_leaks

FACTS = {
    "beaks": ShownStimulus(frozenset({"i1", "i2"}), frozenset({"b1", "b2"}), ("b1", "b2")),
    "wings": ShownStimulus(frozenset({"i3", "i4"}), frozenset({"w1", "w2"}), ("w1", "w2")),
}
NEW = {"i1": "new-1", "i9": "new-9"}


def trial(task, *, stimulus=None, detail=None, phase="main"):
    return {"task": task, "phase": phase, "stimulus": stimulus, "detail": detail or {}}


def name(summary):
    return trial("name", stimulus=summary)


def intruder(summary, other, *, member=1):
    tiles = [{"summary": summary, "member": 0, "picture": None}, {"summary": other, "member": member, "picture": None}]
    return trial("intruder", stimulus=summary, detail={"tiles": tiles, "target": 2})


def predict(image):
    return trial("predict", detail={"image": {"image": image, "network": "n", "picture": None}})


def compare(*summaries):
    groups = [{"summary": summary, "picture": None} for summary in summaries]
    return trial("compare", detail={"left": {"groups": groups}, "right": {"groups": []}})


def leaks(*trials):
    exposures = [exposure_of(entry, FACTS, NEW, position=place) for place, entry in enumerate(trials, start=1)]
    return [(leak.kind, leak.first, leak.second) for leak in find_leaks(exposures)]


@pytest.mark.parametrize(
    ("trials", "found"),
    [
        ([name("beaks"), name("wings")], []),
        ([name("beaks"), name("beaks")], [("summary-asked-twice", 1, 2)]),
        ([name("beaks"), intruder("beaks", "wings")], [
            ("picture-repeated", 1, 2), ("summary-asked-twice", 1, 2), ("summary-known", 1, 2)
        ]),
        ([intruder("wings", "beaks"), name("beaks")], [("picture-repeated", 1, 2), ("summary-known", 1, 2)]),
        ([intruder("beaks", "wings"), intruder("wings", "beaks")], []),
        ([intruder("beaks", "wings"), intruder("wings", "beaks", member=0)], [("picture-repeated", 1, 2)]),
        ([name("beaks"), predict("i1")], [("image-known", 1, 2)]),
        ([predict("i1"), intruder("wings", "beaks")], [("image-known", 1, 2)]),
        ([predict("i9"), name("beaks"), predict("i9")], [("image-asked-twice", 1, 3), ("picture-repeated", 1, 3)]),
        ([compare("beaks", "wings"), compare("beaks")], []),
        ([compare("beaks"), name("beaks")], [("summary-known", 1, 2)]),
    ],
)  # fmt: skip
def test_leaks(trials, found):
    assert leaks(*trials) == found


def test_a_check_may_not_show_what_practice_explained():
    cells = {"cells": [{"picture": {"static": "beak-1.webp"}}]}
    practice = exposure_of(
        trial("name", phase="practice", detail=cells), FACTS, NEW, position=1, expected=frozenset({"beak"})
    )
    check = exposure_of(
        trial("name", phase="attention", detail=cells), FACTS, NEW, position=5, expected=frozenset({"beak"})
    )
    asked = exposure_of(trial("name", phase="attention", detail=cells), FACTS, NEW, position=6)  # another answer
    assert find_leaks([practice, check, asked]) == [Leak("answer-explained", 1, 5, "beak-1.webp")]


def test_a_plan_that_points_nowhere_is_an_error():
    with pytest.raises(KeyError, match="tails"):
        exposure_of(name("tails"), FACTS, NEW, position=1)


def test_nothing_leaks_from_nothing():
    assert find_leaks([]) == find_leaks([Exposure(1, "name")]) == []
