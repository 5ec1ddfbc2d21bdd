"""``manage.py pregenerate``: images and networks in, a run directory with summaries out."""

from __future__ import annotations

import os
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from study.management.console import StageBars, console, print_table
from study.management.costs import CostReport, EstimateOnlyError

DRAWN_BIRDS = "drawn-birds"
BIRDS_PER_SPECIES = 12
COLUMNS = (
    "class",
    "network",
    "method",
    "images",
    "p0",
    "p smooth",
    "p sharp",
    "area",
    "regions",
    "summaries",
    "coverage",
    "purity",
    "AP",
)


class Command(BaseCommand):
    """Masks, regions, flow, clusters and pictures for every class, network and arm; see ``docs/method.md``."""

    help = (
        "Make visual summaries of every class for every network and write them to a run directory. "
        "A second run finds every finished stage; an interrupted one resumes."
    )
    requires_system_checks: list[str] = []
    stealth_options = ("progress",)  # callers in Python may receive the progress in place of bars

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Declare the options."""
        source = parser.add_mutually_exclusive_group(required=True)
        source.add_argument("--images", type=Path, help="folder of class folders, optionally with a classes.csv")
        source.add_argument(
            "--dataset", help=f"{DRAWN_BIRDS} (offline), imagenette, caltech101 or oxford-iiit-pet (downloaded once)"
        )
        parser.add_argument(
            "--networks", required=True, help="comma-separated names, such as efficientnet-lite0,resnet50"
        )
        parser.add_argument(
            "--checkpoint", type=Path, help="state dict for a network given as my.module:factory or timm:NAME"
        )
        parser.add_argument("--classes", help="comma-separated classes; all by default")
        parser.add_argument("--per-class", type=int, help="images per class; all by default")
        parser.add_argument("--preset", default="default", help="default, reference (the paper's constants) or fast")
        parser.add_argument(
            "--methods",
            default="visual-summaries",
            help="comma-separated explanation methods, or all (docs/methods.md)",
        )
        parser.add_argument(
            "--method-area",
            type=float,
            help="share of each image that methods with relevance maps delete; the crisp mask's by default",
        )
        parser.add_argument(
            "--tags",
            action="store_true",
            help="let each network suggest words for its summaries, from its own categories",
        )
        parser.add_argument("--arms", default="random-regions", help="comma-separated control arms, or none")
        parser.add_argument(
            "--held-out",
            type=int,
            default=0,
            metavar="N",
            help="images of each class kept from the summaries, for the task predict; %(default)s by default",
        )
        parser.add_argument("--out", type=Path, required=True, help="run directory")
        parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
        parser.add_argument(
            "--precision",
            choices=["float32", "bfloat16"],
            default="float32",
            help="of the networks while masks are optimised; scores stay in float32 (%(default)s)",
        )
        parser.add_argument(
            "--compile",
            action="store_true",
            help="let networks go through torch.compile while masks are optimised (docs/method.md); slower on a CPU",
        )
        parser.add_argument("--seed", type=int, default=0)
        parser.add_argument("--workers", type=int, default=os.cpu_count() or 1, help="parallel work on the CPU")
        parser.add_argument(
            "--engine", default="local", help="where the work is done: local (this machine) or ray (docs/scaling.md)"
        )
        parser.add_argument(
            "--processes", type=int, default=1, help="of the engine local; %(default)s by default: this one alone"
        )
        parser.add_argument(
            "--threads",
            type=int,
            help="of PyTorch in every process; runs with equal numbers agree to the last bit. "
            "PyTorch's own choice for one process, else the cores shared out (local) or 1 (ray)",
        )
        parser.add_argument("--address", help="of the Ray cluster, such as auto; this machine alone by default")
        parser.add_argument("--estimate", action="store_true", help="say what the run will cost, and stop")
        parser.add_argument("--price-per-hour", type=float, help="of one worker in dollars, for the cost of the run")
        parser.add_argument("--json", type=Path, help="also write the closing table to this file")
        parser.add_argument("--quiet", action="store_true", help="print nothing but errors")

    def handle(self, **options: Any) -> None:
        """Run, and turn what can go wrong into one line that says what to do."""
        from vsum_core.compiled_network import CompilationError
        from vsum_core.config import MethodsConfig, preset
        from vsum_core.datasets import DatasetError
        from vsum_core.dense_flow import UnsolvedFlowError
        from vsum_core.engines.engine import EngineError
        from vsum_core.engines.preparation import Preparation
        from vsum_core.engines.registry import EngineOptions, load_engine
        from vsum_core.manifest import ManifestError
        from vsum_core.methods import UnknownMethodError, UnsuitableNetworkError, methods_named
        from vsum_core.networks import UnknownClassError, UnknownNetworkError, WeightsUnavailableError, load_network
        from vsum_core.pipeline import control_arms, device_named, pregenerate
        from vsum_core.store import StorageError
        from vsum_core.tagging import NearestCategoryTagger

        target = console(self.stdout, quiet=options["quiet"])
        try:
            config = preset(options["preset"], seed=options["seed"])
            config = replace(
                config,
                masks=replace(
                    config.masks,
                    bfloat16=options["precision"] == "bfloat16",
                    compile_network=options["compile"],
                ),
                methods=MethodsConfig(area=options["method_area"]),
            )
            methods = methods_named(options["methods"])
            arms = control_arms(options["arms"])
            device = device_named(options["device"])
            engine = load_engine(
                options["engine"],
                EngineOptions(
                    processes=options["processes"],
                    threads=options["threads"],
                    address=options["address"],
                    device_type=device.type,
                ),
            )
            preparation = None if engine is None else Preparation(engine)
            report = CostReport(
                target,
                timings=Path(settings.VAR_DIRECTORY) / "timings.jsonl",
                price_per_hour=options["price_per_hour"],
                preparation=preparation,
                workers=options["processes"],
                only=options["estimate"],
            )
            names = _names(options["networks"])
            own = _with_checkpoint(names)
            with options.get("progress") or StageBars(target) as bars:
                images = read_images(options, bars)
                networks = [
                    load_network(
                        name,
                        device=device,
                        checkpoint=options["checkpoint"] if name in own or not own else None,
                        cache=Path(settings.VAR_DIRECTORY) / "networks",
                    )
                    for name in names
                ]
                manifest = pregenerate(
                    images,
                    networks,
                    config=config,
                    arms=arms,
                    methods=methods,
                    tagger_of=NearestCategoryTagger if options["tags"] else None,
                    directory=options["out"],
                    device=device,
                    held_out=options["held_out"],
                    workers=options["workers"],
                    progress=bars,
                    prepare=preparation if options["quiet"] else report,
                )
        except EstimateOnlyError:
            return
        except KeyboardInterrupt as interrupt:
            raise CommandError(
                "Interrupted. Finished stages are kept: run the same command again to resume.", returncode=130
            ) from interrupt
        except (
            CompilationError,
            DatasetError,
            EngineError,
            ManifestError,
            StorageError,
            UnknownClassError,
            UnknownMethodError,
            UnknownNetworkError,
            UnsolvedFlowError,
            UnsuitableNetworkError,
            WeightsUnavailableError,
            ValueError,
        ) as error:
            raise CommandError(" ".join(str(error).split())) from error
        if not options["quiet"]:
            report.finish()
        rows = summary_rows(manifest)
        print_table(target, f"Visual summaries in {options['out']}", COLUMNS, rows, json=options["json"])
        _print_skipped(target, manifest)


def read_images(options: dict[str, Any], progress: Any) -> Any:
    """The image set that the options name."""
    from vsum_core.datasets import read_image_folder, torchvision_dataset
    from vsum_core.synthetic import write_birds

    classes = _names(options["classes"]) if options["classes"] else None
    if options["images"] is not None:
        return read_image_folder(options["images"], classes=classes, per_class=options["per_class"])
    root = Path(settings.VAR_DIRECTORY) / "datasets"
    if options["dataset"] == DRAWN_BIRDS:
        directory = root / f"{DRAWN_BIRDS}-{options['seed']}"
        count = BIRDS_PER_SPECIES if options["per_class"] is None else options["per_class"]
        try:
            write_birds(directory, per_species=count, seed=options["seed"], both_ways=False)
        except OSError as error:
            raise CommandError(
                f"The drawn birds cannot be written to {directory}: {error.strerror or error}. "
                "Free space there or set VAR_DIRECTORY to a folder that can be written, and run the same command again."
            ) from error
        # An earlier run may have drawn more of them.
        return read_image_folder(directory, classes=classes, per_class=count)
    return torchvision_dataset(options["dataset"], root, classes=classes, per_class=options["per_class"])


def summary_rows(manifest: dict[str, Any]) -> list[list[Any]]:
    """One row per class and network: means over the masks, and what became of the regions."""
    rows = []
    for clustering in manifest["clusterings"]:
        if clustering["arm"] != "summaries":
            continue
        masks = [
            mask
            for mask in manifest["masks"]
            if all(mask[key] == clustering[key] for key in ("class", "network", "method"))
        ]

        def mean(name: str, masks: list[dict[str, Any]] = masks) -> float | str:
            known = [mask[name] for mask in masks if mask[name] is not None]
            return sum(known) / len(known) if known else "–"

        coverage = clustering["coverage"]
        rows.append(
            [
                clustering["class"],
                clustering["network"],
                clustering["method"],
                clustering["images"],
                mean("p0"),
                mean("p_smooth"),
                mean("p_sharp"),
                mean("area"),
                clustering["regions"],
                clustering["accepted"],
                "–" if coverage is None else coverage,
                _mean_purity(manifest, clustering),
                "converged" if clustering["converged"] else "not converged",
            ]
        )
    return rows


def _mean_purity(manifest: dict[str, Any], clustering: dict[str, Any]) -> float | str:
    """Mean share of members that show the summary's true part; a dash where true parts are unknown."""
    keys = ("class", "network", "method", "arm")
    purities = [
        summary["quality"].get("purity")
        for summary in manifest["summaries"]
        if all(summary[key] == clustering[key] for key in keys)
    ]
    known = [purity for purity in purities if purity is not None]
    return sum(known) / len(known) if known else "–"


def _with_checkpoint(names: list[str]) -> set[str]:
    """Networks that the checkpoint is for: those of one's own, or else those of timm."""
    with_colon = {name for name in names if ":" in name}
    return {name for name in with_colon if not name.startswith("timm:")} or with_colon


def _names(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _print_skipped(target: Any, manifest: dict[str, Any]) -> None:
    reasons: dict[str, int] = {}
    for skipped in manifest["skipped"]:
        reasons[skipped["reason"]] = reasons.get(skipped["reason"], 0) + 1
    if reasons:
        counted = ", ".join(f"{count} {reason}" for reason, count in sorted(reasons.items()))
        target.print(f"Skipped: {counted} (each with its reason in manifest.json).")
