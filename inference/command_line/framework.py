# SPDX-License-Identifier: GPL-3.0-or-later
"""What all commands have in common: how they are described, parsed and run."""

import argparse
import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from ..errors import InputError
from ..files import reason, shown
from ..progress import Progress
from ..watched_stdin import WATCHED, end_with_stdin

DONE, FAILED, WRONG_INPUT = 0, 1, 2


@dataclass(frozen=True)
class Command:
    """One command.

    ``add_arguments`` adds its options to a parser; ``required`` names those that must have a value, given by the user
    or by the ``defaults`` of :func:`main`. ``run`` does the work, prints what people read and returns what ``--json``
    prints; it raises InputError where the input is wrong. ``status`` is the exit status that a result means.
    """

    name: str
    help: str
    add_arguments: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Progress], dict[str, object]]
    required: tuple[str, ...] = ()
    status: Callable[[dict[str, object]], int] = lambda _: DONE


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are like any other error of the input, and options never abbreviated."""

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
    if os.environ.pop(WATCHED, None):  # removed, as it holds for this process alone
        end_with_stdin()
    signals = (signal.SIGTERM, signal.SIGINT)
    handlers = {number: signal.signal(number, signal.default_int_handler) for number in signals}
    try:
        command, args = _parse(argv, commands, prog, defaults or {})
        result = command.run(args, Progress(args.progress_file))
        status = command.status(result)
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
    args.argv = list(argv[list(argv).index(args.command) + 1 :])  # for a command that others do
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
