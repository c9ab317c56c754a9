# SPDX-License-Identifier: GPL-3.0-or-later
"""docs/RELIABILITY.md, written by the tests that it tells of.

A test marked ``@pytest.mark.reliability("fault", "what was done", "what came of it")``, or ``"input"`` instead of
``"fault"``, becomes a row when it passes; its parameters are counted as cases, or what it records of itself with
``record_property("executions", n)``. ``pytest -m reliability --reliability=FILE`` writes the table.
"""

import json
import platform
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
SOAK = ROOT / "build" / "soak.json"
LONG_RUN = ROOT / "build" / "long_run.json"
KINDS = {"fault": "Faults injected", "input": "Hostile input"}
PASSED: Counter[tuple[str, str, str]] = Counter()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--reliability", type=Path, metavar="FILE", help="write the table of faults and hostile input")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "reliability(kind, done, outcome): a row of docs/RELIABILITY.md")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo) -> Iterator[None]:
    report = yield
    if report.when == "call" and report.passed and (marker := item.get_closest_marker("reliability")):
        kind, done, outcome = marker.args
        PASSED[kind, done, outcome] += dict(report.user_properties).get("executions", 1)
    return report


def write_table(path: Path, failed: int) -> None:
    """Write what passed, and the last fuzzing and the last long job where their figures are there."""
    lines = [
        "# Reliability",
        "",
        "Written by the tests, which `make soak` runs all: each row passed in that run; what failed or did not run is not here.",
        f"Python {platform.python_version()}, {platform.system()} {platform.machine()}; {failed} tests failed.",
    ]
    for kind, title in KINDS.items():
        rows = sorted((done, count, outcome) for (of, done, outcome), count in PASSED.items() if of == kind)
        lines += ["", f"## {title}", "", "| what was done | cases | outcome |", "|---|---:|---|"]
        lines += [f"| {done} | {count:,} | {outcome} |" for done, count, outcome in rows]
    if SOAK.is_file():
        lines += [
            "",
            "## Coverage-guided fuzzing",
            "",
            "Coverage is of Python code. Native code (Pillow's decoders, safetensors, Open CASCADE) is run but not traced.",
            "",
            "| target | executions | minutes | findings |",
            "|---|---:|---:|---|",
        ]
        for target, run in sorted(json.loads(SOAK.read_text("utf-8")).items()):
            findings = ", ".join(run["findings"]) or "none"
            lines.append(f"| {target} | {run['executions']:,} | {run['seconds'] / 60:.0f} | {findings} |")
    if LONG_RUN.is_file():
        run = json.loads(LONG_RUN.read_text("utf-8"))
        first, last = run["first"], run["last"]
        took = (
            f"{run['images']:,} stills of 64 pixels, by two workers at a time and {run['workers']} in all, took "
            f"{run['seconds'] / 60:.0f} minutes."
        )
        lines += [
            "",
            "## A long job",
            "",
            took,
            "",
            "| | first quarter | last quarter | ratio |",
            "|---|---:|---:|---:|",
        ]
        for name, title in {
            "ms": "from one image to the next, median, ms",
            "job_mb": "memory of the job, median, MB",
            "worker_mb": "memory of the larger worker, highest, MB",
        }.items():
            lines.append(f"| {title} | {first[name]:.0f} | {last[name]:.0f} | {last[name] / first[name]:.2f} |")
    path.write_text("\n".join(lines) + "\n", "utf-8")
