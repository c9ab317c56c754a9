# SPDX-License-Identifier: GPL-3.0-or-later
"""What a job prints is read back as the same result."""

import json
from pathlib import Path

import pytest

from synthetic_similarity_search.inference.job_results import ClassifiedPhoto, ClassifyResult, RenderResult
from synthetic_similarity_search.inference.verdicts import Neighbour, Verdict

NEAREST = Neighbour(row=3, reference="references/a/0003.png", label="a", similarity=0.5)
VERDICT = Verdict(Path("a b.png"), "unknown", "a", {"a": 1, "b": 0}, (NEAREST,), familiarity=0.25)


@pytest.mark.parametrize(
    "result",
    [
        RenderResult("references", images=4, rendered=2, warnings=["Too dark. Add a light."], seconds=1.5, left=1),
        ClassifyResult((ClassifiedPhoto(VERDICT), ClassifiedPhoto(VERDICT, ("it is completely transparent",)))),
    ],
)
def test_a_result_is_read_as_it_was_printed(result: RenderResult | ClassifyResult) -> None:
    assert type(result).from_json(json.loads(json.dumps(result.to_json()))) == result
