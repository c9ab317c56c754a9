# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: one set of commands for every door.

:mod:`..scene.command_line` adds the commands that need Blender and calls the same :func:`main`.
"""

import argparse
import json
import os
import signal
import sys
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NoReturn

from . import editing, onnx_export, validation
from .classifier import Classifier, usable_k
from .database import ReferenceDatabase
from .embedding import embed_references
from .encoder import PRECISIONS, PROVIDERS, VARIANTS, Encoder, find_encoder
from .errors import InputError
from .evidence import compare
from .files import reason, replacing, shown, writable_folder
from .photo_file import may_be_deep
from .preprocessing import WHOLE, Crop, Preprocessing, UnreadablePhoto, crop_problem
from .progress import Progress
from .rejection import Rejection, fit_rejection
from .separability import separability
from .validation_result import RejectionResult, ValidationResult
from .verdicts import Verdict

DONE, FAILED, WRONG_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """One command.

    ``add_arguments`` adds its options to a parser; ``required`` names those that must have a value, given by the user
    or by the ``defaults`` of :func:`main`. ``run`` does the work, prints what people read and returns what ``--json``
    prints; it raises InputError where the input is wrong.
    """

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Progress], dict[str, object]]
    required: tuple[str, ...] = ()


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are like any other error of the input, and options never abbreviated."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        message = shown(message)  # it may quote what the user gave
        raise InputError(f"{message[0].upper()}{message[1:]}. See `{self.prog} --help`.")


def add_encoder_arguments(parser: argparse.ArgumentParser) -> None:
    """Options that choose the encoder."""
    parser.add_argument("--model", type=str.upper, choices=VARIANTS, default=VARIANTS[0], help="encoder variant")
    parser.add_argument("--encoder", type=Path, metavar="FILE", help="encoder file to use instead of the variant's own")
    parser.add_argument(
        "--precision",
        type=str.upper,
        choices=PRECISIONS,
        default=PRECISIONS[0],
        help="fast: perceptrons in 8 bits, on the processor, a third less time; with the stand-in on 468 real photos: "
        "cosine 0.9996 to fp32, 0.998 at the least; macro F1 unchanged on screw and t_joint",
    )


def open_encoder(args: argparse.Namespace, progress: Progress) -> Encoder:
    """The encoder that the options choose; ``$SIMSEARCH_THREADS`` limits its threads and ``$SIMSEARCH_PROVIDER`` names
    what it runs on."""
    threads = os.environ.get("SIMSEARCH_THREADS") or "0"
    if not threads.isdecimal():
        raise InputError(f"SIMSEARCH_THREADS is {threads}. Set it to a number, or to 0 for all processor cores.")
    provider = (os.environ.get("SIMSEARCH_PROVIDER") or "AUTO").upper()
    if provider not in ("AUTO", *PROVIDERS):
        raise InputError(f"SIMSEARCH_PROVIDER is {provider}. Set it to one of: AUTO, {', '.join(PROVIDERS)}.")
    file = find_encoder(args.model, args.encoder)
    return Encoder(file, int(threads), args.precision, None if provider == "AUTO" else provider, progress.say)


def parse_crop(text: str) -> Crop:
    """The value of ``--crop``."""
    try:
        left, top, width, height = map(float, text.split(","))
    except ValueError:
        left = top = width = height = -1.0
    if problem := crop_problem((left, top, width, height)):
        raise argparse.ArgumentTypeError(f"{problem.rstrip('.')}; this is {text}")
    return left, top, width, height


def parse_white_level(text: str) -> int:
    """The value of ``--white-level``."""
    if not text.isdecimal() or not 0 < int(text) < 2**16:
        raise argparse.ArgumentTypeError(f"A white level is a number from 1 to 65535, 4095 for 12 bits; this is {text}")
    return int(text)


def add_photo_arguments(parser: argparse.ArgumentParser) -> None:
    """The options for what of a photo counts and how it is read."""
    parser.add_argument(
        "--crop", type=parse_crop, metavar="X,Y,W,H", help="part of each photo that counts, as shares from its top left"
    )
    add_white_level_argument(parser)


def add_white_level_argument(parser: argparse.ArgumentParser) -> None:
    """The option for what is white in photos that do not say it."""
    parser.add_argument(
        "--white-level",
        type=parse_white_level,
        metavar="N",
        help="value that is white in 16-bit photos that do not say it: 4095 for a 12-bit camera; default: told by the photos",
    )


def open_database(args: argparse.Namespace) -> ReferenceDatabase:
    """The database that the options choose, with their crop and white level of photos where they are given, and measure of
    similarity."""
    database = ReferenceDatabase.load(args.database)
    given = {name: value for name in ("crop", "white_level") if (value := getattr(args, name)) is not None}
    return replace(database, preprocessing=replace(database.preprocessing, **given), whitened=not args.paper)


def build_database(
    references: Path, database: Path, encoder: Encoder, preprocessing: Preprocessing, progress: Progress
) -> dict[str, Any]:
    """Embed a folder of references into the file ``database``; returns what ``--json`` prints."""
    started = time.monotonic()
    writable_folder(database.parent)
    content = embed_references(references, encoder, preprocessing, progress, database)
    content.save(database)
    counts = ", ".join(f"{label} {count}" for label, count in content.count().items())
    print(
        f"{len(content)} references ({counts}) in {shown(database)}\nWeights: {encoder.weights}\nRan on: {PROVIDERS[encoder.provider]}"
    )
    warnings = separability(content, min(5, len(content))).warnings if content.pose_groups().any() else []
    progress.warn(warnings)
    return {
        "warnings": warnings,
        "database": shown(database),
        "references": len(content),
        "classes": content.count(),
        "model": asdict(encoder.description),
        "seconds": round(time.monotonic() - started, 3),
    }


def _embed_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--references", type=Path, metavar="DIR", help="folder with one folder of images per class")
    parser.add_argument("--database", type=Path, metavar="FILE", help="file to write; default: DIR.safetensors")
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def _embed(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    folder = args.references.resolve()
    database = args.database or folder.with_name(f"{folder.name}.safetensors")
    preprocessing = Preprocessing(crop=args.crop or WHOLE, white_level=args.white_level)
    return build_database(args.references, database, open_encoder(args, progress), preprocessing, progress)


def add_similarity_argument(parser: argparse.ArgumentParser) -> None:
    """The option for how similarity is measured."""
    parser.add_argument("--paper", action="store_true", help="plain cosine similarity, not whitened, as in the paper")


def _add_k_argument(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--k", type=int, default=5, help="how many neighbours vote; default: 5")


def _add_database_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    _add_k_argument(parser)
    add_similarity_argument(parser)
    add_photo_arguments(parser)
    add_encoder_arguments(parser)


def _add_rejection_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--reject", action="store_true", help='answer "unknown" for photos unlike all references')
    parser.add_argument(
        "--threshold", type=float, metavar="T", help="reject below this familiarity, 0 to 1; default: chosen"
    )


def _rejection(args: argparse.Namespace, database: ReferenceDatabase) -> Rejection | None:
    """How unknown photos are rejected where the options ask for it, the threshold from the references if not given."""
    if not args.reject and args.threshold is None:
        return None
    return fit_rejection(database, args.threshold, database.embeddings[:0])


def _validate_arguments(parser: argparse.ArgumentParser) -> None:
    _add_database_arguments(parser)
    parser.add_argument("--photos", type=Path, metavar="DIR", help="folder with one folder of photos per class")
    parser.add_argument(
        "--output", type=Path, metavar="DIR", help="folder for metrics.json, predictions.csv and report.html"
    )
    _add_rejection_arguments(parser)
    parser.add_argument(
        "--negatives", type=Path, metavar="DIR", help="photos of no class, to choose and test the threshold"
    )
    parser.add_argument("--explain", action="store_true", help="try what brings the photos nearer to the references")
    parser.add_argument(
        "--repeat-seeds", type=int, default=0, metavar="N", help="tell how F1 varies over N other draws of poses"
    )


def _validate(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    rejection = None
    if args.reject or args.threshold is not None or args.negatives:
        rejection = validation.RejectionOptions(args.threshold, args.negatives)
    database = open_database(args)
    classifier = Classifier.create(database, open_encoder(args, progress), args.k, progress)
    result = validation.validate(
        classifier, args.photos, args.output, progress, rejection, explain=args.explain, repeat_seeds=args.repeat_seeds
    )
    _print_scores(result)
    print(f"Report: {shown(args.output / 'report.html')}")
    for file in result.unreadable:
        progress.say(f"{shown(file.path)}: {file.reason}")
    return result.to_json()


def _print_scores(result: ValidationResult) -> None:
    width = max(map(len, ("class", *result.labels)))
    print(f"{'class':<{width}}  precision  recall     f1  photos")
    for label, score in result.classes.items():
        print(f"{label:<{width}}  {score.precision:9.3f}  {score.recall:6.3f}  {score.f1:5.3f}  {score.support:6}")
    print(f"macro F1 {result.macro_f1:.3f}, accuracy {result.accuracy:.3f}, {result.photos} photos")
    if result.unknown:
        print(rejection_summary(result.unknown))
    if repeated := result.repeat_seeds:
        print(f"macro F1 {min(repeated):.3f} to {max(repeated):.3f} over {len(repeated)} other draws of poses")
    for gap in result.gap.gaps if result.gap else ():
        for cause in gap.causes:
            print(f"{gap.label}: {cause}")
    print(f"Weights: {result.model.weights}\nRan on: {result.model.provider}")


def rejection_summary(unknown: RejectionResult) -> str:
    """What became of unknown photos, in a sentence."""
    summary = f"{sum(unknown.rejected.values())} photos rejected as unknown, below familiarity {unknown.threshold:.3f}"
    if not unknown.negatives:
        return f"{summary}. The threshold is untested: name a folder of photos of no class with --negatives."
    return (
        f"{summary}; {unknown.negatives_rejected} of {unknown.negatives} negatives rejected, AUROC {unknown.auroc:.3f}"
    )


def _classify_arguments(parser: argparse.ArgumentParser) -> None:
    _add_database_arguments(parser)
    _add_rejection_arguments(parser)
    parser.add_argument(
        "--evidence", type=Path, metavar="DIR", help="folder for pictures of where each photo and its nearest differ"
    )
    parser.add_argument("photos", type=Path, metavar="PHOTO", nargs="+", help="photos to classify")


def _classify(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    database, encoder = open_database(args), open_encoder(args, progress)
    classifier = Classifier.create(database, encoder, args.k, progress, _rejection(args, database))
    classifier, told = classifier.for_photos(args.photos, progress)
    found = classifier.classify(args.photos, progress)
    if args.evidence:
        _write_evidence(args.evidence, classifier, found.verdicts)
    lines = []
    for verdict in found.verdicts:  # what had to be assumed of a photo belongs to its line, which programs read
        notes = [*(told if may_be_deep(verdict.photo) else []), *found.notes.get(verdict.photo, [])]
        lines.append(verdict.to_json() | ({"notes": notes} if notes else {}))
    for line in lines:
        print(json.dumps(line))
    if found.unreadable:
        raise InputError(*(f"{shown(path)}: {why}." for path, why in found.unreadable.items()))
    return {"photos": lines}


def _write_evidence(folder: Path, classifier: Classifier, verdicts: Sequence[Verdict]) -> None:
    """Write a picture for each photo: where it differs from its nearest reference."""
    names: Counter[str] = Counter()
    for verdict in verdicts:
        try:
            sheet = compare(classifier, verdict).sheet
        except UnreadablePhoto as error:
            reference = shown(classifier.database.image_path(verdict.neighbours[0].row))
            raise InputError(f"{reference}: {error.reason}. Evidence needs the reference images.") from error
        stem = verdict.photo.stem
        names[stem] += 1  # photos of one name may come from several folders
        again = f" ({names[stem]})" if names[stem] > 1 else ""
        with replacing(folder / f"{stem}{again}.png") as place:
            sheet.save(place)


def _check_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    _add_k_argument(parser)
    add_similarity_argument(parser)


def check_database(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Tell how well the references' classes can be told apart, before there is any photo."""
    database = replace(ReferenceDatabase.load(args.database), whitened=not args.paper)
    found = separability(database, usable_k(args.k, database, progress))
    print(f"Leave-one-pose-out on {len(database)} references: macro F1 {found.metrics.macro_f1:.3f}")
    for pair in found.pairs:
        print(f"{pair.first} and {pair.second}: margin {pair.margin:.3f}")
    progress.warn(found.warnings)
    return {
        "macro_f1": found.metrics.macro_f1,
        "classes": {label: float(f1) for label, f1 in zip(database.classes, found.metrics.f1, strict=True)},
        "pairs": [asdict(pair) for pair in found.pairs],
        "warnings": found.warnings,
    }


def _edit_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--database", type=Path, metavar="FILE", help="reference database")
    parser.add_argument("--output", type=Path, metavar="FILE", help="database to write; default: the same")
    parser.add_argument(
        "--remove", type=lambda text: text.split(","), default=[], metavar="A,B", help="classes to take out"
    )
    parser.add_argument(
        "--replace", type=Path, metavar="FILE", help="database whose classes replace those of the same name"
    )
    parser.add_argument("--add", type=Path, metavar="FILE", help="database whose references are added")
    parser.add_argument(
        "--promote", type=Path, metavar="DIR", help="verified photos, one folder per class, that become references"
    )
    add_white_level_argument(parser)
    add_encoder_arguments(parser)


def _edit(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    """Take classes out, put another database's in, add references, add photos: in this order."""

    def with_white(database: ReferenceDatabase) -> ReferenceDatabase:
        white_level = args.white_level or database.preprocessing.white_level
        return replace(database, preprocessing=replace(database.preprocessing, white_level=white_level))

    database = ReferenceDatabase.load(args.database)
    output = args.output or args.database
    if not (args.remove or args.replace or args.add or args.promote or args.white_level):
        raise InputError("There is nothing to change. Give --remove, --replace, --add, --promote or --white-level.")
    writable_folder(output.parent)
    database = with_white(editing.moved(database, output))
    if args.remove:
        database = editing.without(database, args.remove)
    for other, change in ((args.replace, editing.replaced), (args.add, editing.joined)):
        if other:
            database = change(database, with_white(editing.moved(ReferenceDatabase.load(other), output)))
    if args.promote:
        database = editing.promoted(database, open_encoder(args, progress), args.promote, progress)
    database.save(output)
    counts = ", ".join(f"{label} {count}" for label, count in database.count().items())
    photos = f", {len(database.promoted)} of them real photos" if database.promoted else ""
    print(f"{len(database)} references ({counts}){photos} in {shown(output)}")
    return {
        "database": shown(output),
        "references": len(database),
        "classes": database.count(),
        "promoted": len(database.promoted),
    }


def _export_arguments(parser: argparse.ArgumentParser) -> None:
    _add_database_arguments(parser)
    parser.add_argument("--output", type=Path, metavar="FILE", help="ONNX file to write")
    parser.add_argument(
        "--input",
        choices=onnx_export.INPUTS,
        default="image",
        help="image: uint8 images of any size; tensor: preprocessed float32",
    )
    _add_rejection_arguments(parser)


def _export(args: argparse.Namespace, progress: Progress) -> dict[str, object]:
    database, encoder = open_database(args), open_encoder(args, progress)
    database.check_model(encoder.model)
    k = usable_k(args.k, database, progress)
    rejection = _rejection(args, database)
    onnx_export.export_onnx(database, encoder.path, args.output, args.input, k, rejection, encoder.precision)
    print(f"{shown(args.output)}: {len(database)} references, k = {k}. Weights: {encoder.weights}")
    return {"output": shown(args.output), "input": args.input, "k": k, "classes": list(database.classes)}


COMMANDS = (
    Command(
        "check",
        "Tell how well the classes of a database can be told apart.",
        _check_arguments,
        check_database,
        ("database",),
    ),
    Command(
        "embed", "Embed a folder of references into a reference database.", _embed_arguments, _embed, ("references",)
    ),
    Command(
        "validate",
        "Score a reference database on a folder of photos.",
        _validate_arguments,
        _validate,
        ("database", "photos", "output"),
    ),
    Command("classify", "Classify photos.", _classify_arguments, _classify, ("database",)),
    Command(
        "edit",
        "Take classes out of a database, put others in, add references or verified photos.",
        _edit_arguments,
        _edit,
        ("database",),
    ),
    Command(
        "export-onnx",
        "Write encoder, references and vote as one ONNX file.",
        _export_arguments,
        _export,
        ("database", "output"),
    ),
)


def main(
    argv: Sequence[str],
    commands: Sequence[Command] = COMMANDS,
    prog: str = "python -m inference",
    defaults: Mapping[str, object] | None = None,
    keep_log: Callable[[], str] | None = None,
) -> int:
    """Run the command that ``argv`` names and return the exit status: 0 done, 2 the input is wrong, 1 anything else.

    ``defaults`` are values of options that the user did not give, such as a scene's settings. Progress and problems,
    one line each, go to stderr. With ``--json`` the last line of stdout is one JSON object: what the command returned
    or ``{"problems": [...]}``. SIGTERM and SIGINT end the command cleanly. ``keep_log`` is called where the command fails
    for another reason than its input, and returns a sentence that says where more is told.
    """
    # A file name or label that the terminal's encoding lacks must not end a job.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    as_json, debug = "--json" in argv, "--debug" in argv
    signals = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        command, args = _parse(argv, commands, prog, defaults or {})
        result = command.run(args, Progress(args.progress_file))
        status = DONE
    except SystemExit as end:  # --help
        return int(end.code or 0)
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - whatever it is, the user gets a sentence
        if debug:
            traceback.print_exc()
        status = WRONG_INPUT if isinstance(error, InputError) else FAILED
        problems = _problems(error)
        if keep_log and not isinstance(error, InputError | KeyboardInterrupt):
            problems.append(keep_log())
        print(*problems, sep="\n", file=sys.stderr)
        result = {"problems": problems}
    finally:
        for number, handler in handlers.items():
            if handler is not None:  # None: not Python's but Blender's own, which cannot be put back
                signal.signal(number, handler)
    try:
        if as_json:
            print(json.dumps(result))
        sys.stdout.flush()
    except BrokenPipeError:  # The reader has gone, as with `| head`: docs.python.org, signal, "Note on SIGPIPE".
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _parse(
    argv: Sequence[str], commands: Sequence[Command], prog: str, defaults: Mapping[str, object]
) -> tuple[Command, argparse.Namespace]:
    parser = Parser(prog=prog, description="Classify photos by their similarity to rendered references.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    for command in commands:
        subparser = subparsers.add_parser(command.name, help=command.help, description=command.help)
        command.add_arguments(subparser)
        subparser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
        subparser.add_argument("--progress-file", type=Path, metavar="FILE", help="keep the progress in this JSON file")
        subparser.add_argument("--debug", action="store_true", help="show where in the program an error occurred")
        subparser.set_defaults(**defaults)
    args = parser.parse_args(argv)
    command = next(command for command in commands if command.name == args.command)
    missing = [f"--{name}" for name in command.required if getattr(args, name) is None]
    if missing:
        raise InputError(f"{command.name} needs {' and '.join(missing)}. See `{prog} {command.name} --help`.")
    return command, args


def _problems(error: Exception | KeyboardInterrupt) -> list[str]:
    if isinstance(error, InputError):
        return list(error.problems)
    if isinstance(error, KeyboardInterrupt):
        return ["Stopped. What was finished is kept."]
    where = f" ({shown(error.filename)})" if isinstance(error, OSError) and error.filename else ""
    return [f"This failed: {reason(error)}{where}. Add --debug to see where."]
