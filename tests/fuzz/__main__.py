# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage-guided fuzzing of every target: ``python tests/fuzz --seconds 600`` writes build/soak.json.

Each target runs in a process of its own under atheris (libFuzzer), two at a time, from the corpus that the repository
keeps. Inputs that reach new code are collected in build/fuzz/; what breaks a target is kept there too. ``--keep`` adds to
the corpus what reaches code that nothing in it does.

Coverage is that of Python code. Native code (Pillow's decoders, safetensors, Open CASCADE) is run but not traced.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
CORPUS = TESTS / "fuzz" / "corpus"
BUILD = TESTS.parent / "build"
MEGABYTES = 3072
SECONDS_PER_INPUT = 30


def fuzz(target: str, options: list[str]) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    with atheris.instrument_imports(
        include=["PIL", "argparse", "json", "synthetic_similarity_search", "io_scene_gltf2"]
    ):
        from synthetic_similarity_search.inference import (  # noqa: F401
            domain_gap,
            editing,
            embedding,
            evidence,
            onnx_export,
            rejection,
            validation,
        )
        from synthetic_similarity_search.tests.fuzz import targets

        if target == "step":
            targets.run(target, b"\0")  # imports all that an import needs
        elif target in targets.IMPORTED:
            targets.cad_import()

    # libFuzzer starts its first argument again to merge.
    atheris.Setup([f"{sys.executable} {__file__} {target}", *options], lambda data: targets.run(target, data))
    atheris.Fuzz()


def folder(target: str) -> Path:
    """Where what a target's fuzzing finds is collected."""
    found = BUILD / "fuzz" / target
    found.mkdir(parents=True, exist_ok=True)
    return found


def run(target: str, *options: str) -> str:
    """Run libFuzzer on a target in a child; returns what it said."""
    command = [
        sys.executable, __file__, target, f"-rss_limit_mb={MEGABYTES}", f"-timeout={SECONDS_PER_INPUT}", "-max_len=20000",
        f"-artifact_prefix={folder(target)}/finding-", *options,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    (BUILD / "fuzz" / f"{target}.log").write_text(done.stdout + done.stderr, "utf-8")
    return done.stderr


def supervise(target: str, seconds: int) -> dict[str, object]:
    """Fuzz one target in a child; returns its figures."""
    found = folder(target)
    started = time.monotonic()
    log = run(target, f"-max_total_time={seconds}", "-print_final_stats=1", str(found), str(CORPUS / target))
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", log)
    findings = sorted(path.name for path in found.glob("finding-*"))
    if not executions:
        raise SystemExit(f"{target}: fuzzing did not run:\n{log[-2000:]}")
    return {"executions": int(executions[-1]), "seconds": round(time.monotonic() - started), "findings": findings}


def main() -> int:
    """Fuzz every target, or the ones that are named; returns the exit status, 1 where something was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each target; default: 600")
    parser.add_argument("--jobs", type=int, default=2, help="targets at a time; default: 2")
    parser.add_argument("--keep", action="store_true", help="instead, add what was found to the corpus, minimised")
    parser.add_argument("targets", nargs="*", default=sorted(path.name for path in CORPUS.iterdir()))
    options = parser.parse_args()
    if options.keep:
        for target in options.targets:
            run(target, "-merge=1", str(CORPUS / target), str(folder(target)))
        return 0
    record = BUILD / "soak.json"
    figures = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    with ThreadPoolExecutor(options.jobs) as pool:
        for target, found in zip(
            options.targets, pool.map(supervise, options.targets, repeat(options.seconds)), strict=True
        ):
            figures[target] = found
            print(f"{target}: {found}", flush=True)
            record.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return int(any(run["findings"] for run in figures.values()))


if __name__ == "__main__":
    if len(sys.argv) > 2 and re.match("-[a-z]", sys.argv[2]):
        fuzz(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(main())
