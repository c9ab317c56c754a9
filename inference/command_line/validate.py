# SPDX-License-Identifier: GPL-3.0-or-later
"""``validate``: score a database on a folder of photos."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from ..classifier import Classifier
from ..files import shown
from ..output_folder import ValidationFolder
from ..progress import Progress
from .options import (
    add_cluster_arguments,
    add_database_arguments,
    add_rejection_arguments,
    add_shard_argument,
    open_database,
    open_encoder,
)

if TYPE_CHECKING:
    from ..validation_result import RejectionResult, ValidationResult


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of ``validate``."""
    add_database_arguments(parser)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="folder with one folder of photos per class")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for metrics.json, predictions.csv and report.html"
    )
    add_shard_argument(parser)
    add_cluster_arguments(parser)
    add_rejection_arguments(parser)
    parser.add_argument(
        "--negatives", type=Path, metavar="DIR", help="photos of no class, to choose and test the threshold"
    )
    parser.add_argument(
        "--explain", action="store_true", help="test which changes bring the photos closer to the references"
    )
    parser.add_argument(
        "--repeat-seeds", type=int, default=0, metavar="N", help="show how F1 varies over N other random sets of poses"
    )
    parser.add_argument(
        "--fresh", action="store_true", help="replace another database's or other photos' result in the output folder"
    )
    parser.add_argument(
        "--leave-out", action="store_true", help="leave out sub-folders of photos that bear the name of no class"
    )


def run(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Run the command, and return what ``--json`` prints."""
    if args.cluster:
        return _on_cluster(args, progress)

    from .. import validation  # late: it imports SQLite and the report

    rejection = None
    if args.reject or args.threshold is not None or args.negatives:
        rejection = validation.RejectionOptions(args.threshold, args.negatives)
    database = open_database(args)
    classifier = Classifier.create(database, open_encoder(args, progress), args.k, progress)
    if args.shard:
        left = validation.validate_share(
            classifier,
            args.photos,
            args.output,
            progress,
            args.shard,
            rejection,
            fresh=args.fresh,
            leave_out=args.leave_out,
        )
        if left:
            print(f"Share {args.shard} is done; {left} of {args.shard.count} are not. The last one makes the report.")
            return {"shard": str(args.shard), "left": left}
    result = validation.validate(
        classifier,
        args.photos,
        args.output,
        progress,
        rejection,
        explain=args.explain,
        repeat_seeds=args.repeat_seeds,
        fresh=args.fresh,
        leave_out=args.leave_out,
    )
    if args.shard:
        validation.forget(args.shard, args.output)
    _print_scores(result)
    print(f"Report: {shown(ValidationFolder(args.output).report)}")
    for file in result.unreadable:
        progress.say(f"{shown(file.path)}: {file.reason}")
    return result.to_json()


def _on_cluster(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Have the photos embedded by a cluster."""
    from ..validation_result import ValidationResult
    from .on_cluster import run_on_cluster

    defaults = {name: getattr(args, name) for name in ("k", "model", "precision")}
    content = run_on_cluster(args, progress, None, "macro_f1", defaults)
    _print_scores(ValidationResult.from_json(content))
    print(f"Report: {shown(ValidationFolder(args.output).report)}")
    return content


def _print_scores(result: "ValidationResult") -> None:
    width = max(map(len, ("class", *result.labels)))
    print(f"{'class':<{width}}  precision  recall     f1  photos")
    for label, score in result.classes.items():
        print(f"{label:<{width}}  {score.precision:9.3f}  {score.recall:6.3f}  {score.f1:5.3f}  {score.support:6}")
    print(f"macro F1 {result.macro_f1:.3f}, accuracy {result.accuracy:.3f}, {result.photos} photos")
    if copies := result.references_among_photos:
        print(
            f"{len(copies)} of {result.photos} photos are references of the database themselves, as {shown(copies[0].path)} is "
            f"{shown(copies[0].reference)}, so F1 is too high. Validate on other photos."
        )
    if result.matched:
        print(matched_summary(result))
    if result.unknown:
        print(rejection_summary(result.unknown))
    if repeated := result.repeat_seeds:
        print(f"macro F1 {min(repeated):.3f} to {max(repeated):.3f} over {len(repeated)} other random sets of poses")
    for cause in result.gap.causes if result.gap else ():
        print(cause.sentence)
    print(f"Weights: {result.model.weights}\nRan on: {result.model.provider}")


def matched_summary(result: "ValidationResult") -> str:
    """What the score is without the photos that the scene was matched to, in a sentence."""
    assert result.matched is not None
    count, without = result.matched.photos, result.matched.macro_f1_without
    said = f"The scene was matched to {count} of these {result.photos} photos"
    if without is None:
        return f"{said}. Validate on others, as F1 on these may be too high."
    return f"{said}. Without them, macro F1 is {without:.3f}."


def rejection_summary(unknown: "RejectionResult") -> str:
    """Summarise the rejection in a sentence."""
    summary = f"{sum(unknown.rejected.values())} photos rejected as unknown, below familiarity {unknown.threshold:.3f}"
    if not unknown.negatives:
        return f"{summary}. The threshold is untested: name a folder of photos of no class with --negatives."
    return (
        f"{summary}; {unknown.negatives_rejected} of {unknown.negatives} negatives rejected, AUROC {unknown.auroc:.3f}"
    )
