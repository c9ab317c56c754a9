# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of Synthetic Similarity Search, with Blender or with the ``bpy`` module alone.

    blender -b SCENE.blend --python batch.py -- COMMAND ...
    python batch.py --scene SCENE.blend COMMAND ...

It runs the extension that lies in this folder, whether or not a copy is installed in Blender.
"""

import argparse
import atexit
import faulthandler
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import ModuleType

PACKAGE = "synthetic_similarity_search"
ROOT = Path(__file__).resolve().parent


def load_package() -> ModuleType:
    """Import this folder as ``synthetic_similarity_search``, whatever its name is, and register it; each only once."""
    import bpy  # isort: skip  # first, as it makes its own modules importable
    import addon_utils

    package = sys.modules.get(PACKAGE) or _import_this_folder()
    if package.registered():
        return package
    for name in [addon.module for addon in bpy.context.preferences.addons]:
        if name.rpartition(".")[2] == PACKAGE:  # an installed copy would register the same names
            addon_utils.disable(name, default_set=False)
    package.register()
    if bpy.app.module:
        # With classes still registered, Blender 4.5 as a module waits for ever while Python ends.
        atexit.register(package.unregister)
    return package


def _import_this_folder() -> ModuleType:
    specification = importlib.util.spec_from_file_location(
        PACKAGE, ROOT / "__init__.py", submodule_search_locations=[str(ROOT)]
    )
    assert specification is not None and specification.loader is not None
    package = importlib.util.module_from_spec(specification)
    sys.modules[PACKAGE] = package
    specification.loader.exec_module(package)
    return package


class BlenderLog:
    """What Blender itself printed while a command ran, in a file that is removed unless it is kept."""

    def __init__(self, path: Path) -> None:
        self.path, self.kept = path, False

    def keep(self) -> str:
        """Keep the file; returns the sentence that says where it is."""
        self.kept = True
        return f"Blender's own messages are in {self.path}."


@contextmanager
def quiet_blender() -> Iterator[BlenderLog | None]:
    """Keep stdout and stderr for our own output, for the rest of this process.

    Blender's C code prints to file descriptors 1 and 2 whenever it likes, also while it quits. That would bury what
    people want to read, and ``--json`` promises that the last line of stdout is ours. So ``sys.stdout`` and
    ``sys.stderr`` go to where 1 and 2 went, and 1 and 2 go to a log. Where ``SIMSEARCH_LOG`` names the log, as for the
    processes that a job starts, it is kept in any case, and None is yielded.

    A crash leaves no time to name the log: it is the newest ``simsearch_*.log`` in the folder for temporary files.
    Which lines of Python ran is on stderr then.
    """
    sys.stdout.flush()
    sys.stderr.flush()
    ours = [os.dup(descriptor) for descriptor in (1, 2)]
    log = None
    if named := os.environ.get("SIMSEARCH_LOG"):
        messages = os.open(named, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    else:
        messages, name = tempfile.mkstemp(prefix="simsearch_", suffix=".log")
        log = BlenderLog(Path(name))
    _print_to(messages)
    sys.stdout, sys.stderr = (
        os.fdopen(descriptor, "w", encoding="utf-8", errors="backslashreplace", buffering=1) for descriptor in ours
    )
    faulthandler.enable(sys.stderr)
    try:
        yield log
    except Exception:
        if log:
            print(log.keep(), file=sys.stderr)
        raise
    finally:
        if log:
            _print_to(os.open(os.devnull, os.O_WRONLY))  # Windows removes no file that is open
            if not log.kept:
                with suppress(OSError):
                    log.path.unlink()


def _print_to(descriptor: int) -> None:
    """Let what C code prints from now on go to an open file."""
    for standard in (1, 2):
        os.dup2(descriptor, standard)
    os.close(descriptor)


def main(argv: list[str], log: BlenderLog | None) -> int:
    """Open the scene that ``--scene`` names, where it does, and run the command; returns the exit status."""
    load_package()
    import bpy

    from synthetic_similarity_search.scene import command_line

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--scene", type=Path)
    try:
        args, rest = parser.parse_known_args(argv)
        if args.scene is not None:
            bpy.ops.wm.open_mainfile(filepath=str(args.scene.absolute()), load_ui=False)
    except argparse.ArgumentError:
        return _refuse("--scene needs the name of a .blend file.", argv)
    except RuntimeError:
        state = "is damaged or is not a Blender file" if args.scene.is_file() else "does not exist"
        return _refuse(f"The scene {args.scene} {state}. Give a .blend file.", argv)
    return command_line.main(rest, prog="batch.py", keep_log=log.keep if log else None)


def _refuse(problem: str, argv: list[str]) -> int:
    """Tell a problem of the input as the commands do; returns the exit status."""
    print(problem, file=sys.stderr)
    if "--json" in argv:
        print(json.dumps({"problems": [problem]}))
    return 2


def _run() -> None:
    """Run as a program, and end the process with the status of the command."""
    if "bpy" in sys.modules:  # blender --python batch.py -- ARGUMENTS
        argv = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
        scratch = []
    else:
        argv = sys.argv[1:]
        # Preferences and extensions of an installed Blender take no part: the same result on every machine.
        scratch = [tempfile.mkdtemp()]
        os.environ.setdefault("BLENDER_USER_RESOURCES", scratch[0])

    status = 1
    try:
        with quiet_blender() as log:
            import bpy

            scratch.append(bpy.app.tempdir)
            status = main(argv, log)
    except Exception:  # noqa: BLE001  it would be lost with the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for folder in scratch:
            shutil.rmtree(folder, ignore_errors=True)
        # Not sys.exit: Blender as a module may crash or hang while it is taken down, which would lose the status.
        os._exit(status)


if __name__ == "__main__":
    _run()
