# SPDX-License-Identifier: GPL-3.0-or-later
"""Coverage-guided fuzzing of every target: ``python tests/fuzz --seconds 600`` writes build/soak.json.

Each target runs in a process of its own under atheris (libFuzzer), from the corpus that the repository keeps. Inputs
that reach new code are collected in build/fuzz/; what breaks a target is kept there too.
"""

import argparse
import json
import re
import subprocess
import sys
import time
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
BUILD = TESTS.parent / "build"
MEGABYTES = 3072
SECONDS_PER_INPUT = 30


def fuzz(target: str, options: list[str]) -> None:
    """Fuzz one target until libFuzzer ends the process."""
    import atheris

    sys.path[:0] = [str(TESTS.parent), str(TESTS)]
    with atheris.instrument_imports(include=["inference", "PIL", "argparse", "json"]):
        from fuzz import targets
        from inference import editing, embedding, evidence, gap, station, unknowns, validation  # noqa: F401

    atheris.Setup([sys.argv[0], *options], lambda data: targets.run(target, data))
    atheris.Fuzz()


def supervise(target: str, seconds: int) -> dict[str, object]:
    """Fuzz one target in a child; returns its figures."""
    found, corpus = BUILD / "fuzz" / target, TESTS / "fuzz" / "corpus" / target
    found.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    options = [
        f"-max_total_time={seconds}", f"-rss_limit_mb={MEGABYTES}", f"-timeout={SECONDS_PER_INPUT}", "-max_len=20000",
        "-print_final_stats=1", f"-artifact_prefix={found}/finding-", str(found), str(corpus),
    ]  # fmt: skip
    done = subprocess.run(
        [sys.executable, __file__, target, *options], capture_output=True, text=True, errors="replace", check=False
    )
    (BUILD / "fuzz" / f"{target}.log").write_text(done.stdout + done.stderr, "utf-8")
    executions = re.findall(r"stat::number_of_executed_units:\s*(\d+)", done.stderr)
    findings = sorted(path.name for path in found.glob("finding-*"))
    if not executions or (done.returncode and not findings):
        raise SystemExit(f"{target}: fuzzing did not run:\n{done.stderr[-2000:]}")
    return {"executions": int(executions[-1]), "seconds": round(time.monotonic() - started), "findings": findings}


def main() -> int:
    """Fuzz every target, or the ones that are named; returns the exit status, 1 where something was found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", maxsplit=1)[0])
    parser.add_argument("--seconds", type=int, default=600, help="for each target; default: 600")
    parser.add_argument("targets", nargs="*", default=["database", "recipe", "photo", "arguments"])
    options = parser.parse_args()
    record = BUILD / "soak.json"
    figures = json.loads(record.read_text("utf-8")) if record.is_file() else {}
    for target in options.targets:
        figures[target] = supervise(target, options.seconds)
        print(f"{target}: {figures[target]}", flush=True)
        record.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")
    return int(any(run["findings"] for run in figures.values()))


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[2].startswith("-max_total_time"):
        fuzz(sys.argv[1], sys.argv[2:])
    else:
        sys.exit(main())
