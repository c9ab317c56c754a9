# SPDX-License-Identifier: GPL-3.0-or-later
"""The framework of all commands: how they are described, parsed and run."""

import argparse
import importlib
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ..errors import InputError
from ..files import reason, shown
from ..progress import Progress
from ..watched_stdin import WATCHED, end_with_stdin

DONE, FAILED, WRONG_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """A command, whose module is imported only if the command is used, so that the others start sooner.

    The module has ``add_arguments(parser)``, which adds the options, and ``run(args, progress)``, which does the work,
    prints what people read, and returns what ``--json`` prints. ``run`` raises InputError if the input is wrong. The
    module may have ``status(result)``, which returns the exit status for a result.

    Attributes:
        name: its name.
        help: one sentence for ``--help``.
        module: full name of the module.
        required: options that must have a value, from the user or from the ``defaults`` of :func:`main`.
    """

    name: str
    help: str
    module: str
    required: tuple[str, ...] = ()

    def load(self) -> ModuleType:
        """Import the module.

        Raises:
            InputError: a package that it needs is not installed.
        """
        try:
            return importlib.import_module(self.module)
        except ModuleNotFoundError as error:
            raise InputError(
                f"This Python has no {error.name}. Blender gets it with the extension's zip, another Python with pip."
            ) from error


class Parser(argparse.ArgumentParser):
    """An argument parser that raises InputError and does not accept abbreviated options."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        """Raise the message as an InputError; argparse calls this."""
        message = shown(message)  # it may quote what the user gave
        raise InputError(f"{message[0].upper()}{message[1:]}. See `{self.prog} --help`.")


def main(
    argv: Sequence[str],
    commands: Sequence[Command],
    prog: str,
    defaults: Mapping[str, object] | None = None,
    keep_log: Callable[[], str] | None = None,
) -> int:
    """Run the command that ``argv`` names.

    Progress and problems, one line each, go to stderr. With ``--json``, the last line of stdout is one JSON object:
    what the command returned, or ``{"problems": [...]}``. SIGTERM and SIGINT end the command cleanly.

    Args:
        argv: the command and its options.
        commands: all commands.
        prog: name of the program in messages.
        defaults: values of options that the user did not give, such as settings of a scene.
        keep_log: is called if the command fails for a reason other than its input. It returns a sentence that says
            where to find details.

    Returns:
        The exit status: 0 done, 2 the input is wrong, 1 anything else.
    """
    # A job must not fail because the terminal's encoding lacks a character of a name.
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    as_json, debug = "--json" in argv, "--debug" in argv
    if os.environ.pop(WATCHED, None):  # removed, because it applies only to this process
        end_with_stdin()
    progress = Progress()
    handlers = {number: signal.signal(number, progress.stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        module, args = _parse(argv, commands, prog, defaults or {})
        progress.file = args.progress_file
        result = module.run(args, progress)
        status = module.status(result) if hasattr(module, "status") else DONE
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
            if handler is not None:  # None: it is Blender's own handler, which cannot be restored
                signal.signal(number, handler)
    try:
        if as_json:
            print(json.dumps(result))
        sys.stdout.flush()
    except BrokenPipeError:  # The reader has ended, as with `| head` (docs.python.org, signal, "Note on SIGPIPE").
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _parse(
    argv: Sequence[str], commands: Sequence[Command], prog: str, defaults: Mapping[str, object]
) -> tuple[ModuleType, argparse.Namespace]:
    """Return the module of the command that ``argv`` names, and its options."""
    parser = Parser(prog=prog, description="Classify photos by their similarity to rendered references.")
    subparsers = parser.add_subparsers(dest="command", required=True, metavar="COMMAND", parser_class=Parser)
    named = {command.name: command for command in commands}
    parsers = {
        name: subparsers.add_parser(name, help=command.help, description=command.help)
        for name, command in named.items()
    }
    chosen = next((word for word in argv if word in named), "")
    if not chosen:
        parser.parse_args(argv)  # prints the help and ends, or raises InputError
    command, subparser = named[chosen], parsers[chosen]
    module = command.load()
    module.add_arguments(subparser)
    subparser.add_argument("--json", action="store_true", help="print one JSON object as the last line of stdout")
    subparser.add_argument("--progress-file", type=Path, metavar="FILE", help="keep the progress in this JSON file")
    subparser.add_argument("--debug", action="store_true", help="show where in the program an error occurred")
    subparser.set_defaults(**defaults)
    args = parser.parse_args(argv)
    args.argv = list(argv[list(argv).index(chosen) + 1 :])  # for a command that others do
    missing = [f"--{name}" for name in command.required if getattr(args, name) is None]
    if missing:
        raise InputError(f"{command.name} needs {' and '.join(missing)}. See `{prog} {command.name} --help`.")
    return module, args


def _problems(error: Exception | KeyboardInterrupt) -> list[str]:
    if isinstance(error, InputError):
        return list(error.problems)
    if isinstance(error, KeyboardInterrupt):
        return ["Stopped. What was finished is kept."]
    where = f" ({shown(error.filename)})" if isinstance(error, OSError) and error.filename else ""
    return [f"This failed: {reason(error)}{where}. Add --debug to see where."]
