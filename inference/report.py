# SPDX-License-Identifier: GPL-3.0-or-later
"""The validation report: one HTML file that needs nothing else."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

from .database import ReferenceDatabase

if TYPE_CHECKING:
    from .validation import Verdict

TEMPLATE = Path(__file__).parent / "templates" / "report.html.j2"


def render(metrics: dict[str, Any], verdicts: "list[tuple[str, Verdict]]", database: ReferenceDatabase) -> str:
    """The report as HTML: ``metrics`` as in ``metrics.json``, and each photo's true class with its verdict."""
    import jinja2

    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(TEMPLATE.read_text("utf-8")).render(
        metrics=metrics,
        mistakes=[(true, verdict) for true, verdict in verdicts if verdict.predicted != true],
        references=database.count(),
        recipe=database.recipe,
    )
