# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line of Synthetic Similarity Search, with Blender or with the ``bpy`` module alone::

    blender -b SCENE.blend --python batch.py -- COMMAND ...
    python batch.py --scene SCENE.blend COMMAND ...

It runs the extension that lies in this folder, whether or not a copy is installed in Blender.
"""

import argparse
import atexit
import importlib.util
import json
import os
import shutil
import sys
import tempfile
import traceback
from pathlib import Path
from types import ModuleType

PACKAGE = "synthetic_similarity_search"
ROOT = Path(__file__).resolve().parent


def load_package() -> ModuleType:
    """Import this folder as ``synthetic_similarity_search``, whatever its name, and register it, each once."""
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


def claim_stdout() -> None:
    """Keep stdout for our own output, for the rest of this process.

    Blender's C code prints to file descriptor 1 whenever it likes, also while it quits; ``--json`` promises that the
    last line is ours. So Python's ``sys.stdout`` goes to where 1 went, and what Blender tells there, a line for each
    file that it saves, goes nowhere: errors come as exceptions or on stderr.
    """
    sys.stdout.flush()
    ours = os.dup(1)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 1)
    sys.stdout = os.fdopen(ours, "w", encoding="utf-8", errors="backslashreplace", buffering=1)


def main(argv: list[str]) -> int:
    """Open the scene that ``--scene`` names, where it does, and run the command; returns the exit status."""
    load_package()
    import bpy

    try:
        from synthetic_similarity_search.scene import command_line
    except ModuleNotFoundError as error:
        problem = f"This Blender's Python has no {error.name}. Install the extension's zip in it, which brings what is needed."
        return _refuse(problem, argv)

    parser = argparse.ArgumentParser(add_help=False, allow_abbrev=False, exit_on_error=False)
    parser.add_argument("--scene", type=Path)
    try:
        args, rest = parser.parse_known_args(argv)
        if args.scene is not None:
            bpy.ops.wm.open_mainfile(filepath=str(args.scene.absolute()), load_ui=False)
    except argparse.ArgumentError:
        return _refuse("--scene needs the name of a .blend file.", argv)
    except RuntimeError:
        state = "is damaged or no Blender file" if args.scene.is_file() else "does not exist"
        return _refuse(f"The scene {args.scene} {state}. Give a .blend file.", argv)
    return command_line.main(rest, prog="batch.py")


def _refuse(problem: str, argv: list[str]) -> int:
    """Tell a problem of the input as the commands do; returns the exit status."""
    print(problem, file=sys.stderr)
    if "--json" in argv:
        print(json.dumps({"problems": [problem]}))
    return 2


def _run() -> None:
    """Run as a program, and end the process with the status of the command."""
    claim_stdout()
    if "bpy" in sys.modules:  # blender --python batch.py -- ARGUMENTS
        argv = sys.argv[sys.argv.index("--") + 1 :] if "--" in sys.argv else []
        scratch = []
    else:
        argv = sys.argv[1:]
        # Preferences and extensions of an installed Blender take no part: the same result on every machine.
        scratch = [tempfile.mkdtemp()]
        os.environ.setdefault("BLENDER_USER_RESOURCES", scratch[0])
    import bpy

    status = 1
    try:
        status = main(argv)
    except Exception:  # noqa: BLE001  it would be lost with the process
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for folder in (bpy.app.tempdir, *scratch):
            shutil.rmtree(folder, ignore_errors=True)
        # Not sys.exit: Blender as a module may crash or hang while it is taken down, which would lose the status.
        os._exit(status)


if __name__ == "__main__":
    _run()
