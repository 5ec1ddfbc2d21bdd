"""Made-up material for tests of tasks and plans: no pictures, no database."""

from study.material import Material, MaterialPrediction, MaterialStimulus, Member

CLASSES = ("flamingo", "kingfisher", "peacock", "robin")
NETWORKS = ("large", "small")
PARTS = ("beak", "wing", "tail")


def stimulus(
    network, class_name, number, *, arm="summaries", method="visual-summaries", members=6, part=None, row=None
):
    """A stimulus whose members lie in a row of their own, so that no two stimuli overlap."""
    left, top = (0.0 if network == "large" else 0.5), 0.1 * (number if row is None else row)
    return MaterialStimulus(
        identifier=f"{network}-{class_name}-{arm}-{method}-{number}",
        network=network,
        class_name=class_name,
        method=method,
        arm=arm,
        members=tuple(Member(f"{class_name}-{index}", (left, top, left + 0.4, top + 0.1)) for index in range(members)),
        part=part,
        mean_drop=1.0 - 0.1 * number,
    )


def birds(*, networks=NETWORKS, classes=CLASSES, controls=1, methods=("visual-summaries",), new_images=6):
    """Three summaries and `controls` random controls per network, method and class; new images, one in three wrong."""
    stimuli = [
        stimulus(network, name, number, arm=arm, method=method, part=PARTS[number] if arm == "summaries" else None)
        for network in networks
        for name in classes
        for method in methods
        for arm, count in (("summaries", 3), ("random-regions", controls))
        for number in range(count)
    ]
    predictions = [
        MaterialPrediction(
            network=network,
            image=f"new-{name}-{number}",
            class_name=name,
            answer=classes[(index + 1) % len(classes)] if number % 3 == 0 else name,
            correct=number % 3 != 0,
        )
        for network in networks
        for index, name in enumerate(classes)
        for number in range(new_images)
    ]
    return Material(
        stimuli=tuple(sorted(stimuli, key=lambda entry: entry.identifier)),
        predictions=tuple(sorted(predictions, key=lambda entry: (entry.network, entry.image))),
    )
