# SPDX-License-Identifier: GPL-3.0-or-later
"""The example project goes to F1 in three clicks.

tests/ui/run example.py EXTENSION.zip
"""

import json
from collections.abc import Iterator
from pathlib import Path

import bpy
import driver


def steps() -> Iterator[float]:
    yield from driver.open_sidebar(None)
    yield from driver.click("simsearch.open_example", 0.7)
    yield from driver.wait_for(lambda: bool(bpy.data.filepath), 30, "the example")
    yield 1.0
    yield from driver.snapshot("example-opened")
    yield from driver.click_and_wait("simsearch.build")
    yield 4.0
    yield from driver.snapshot("example-built")
    yield from driver.click_and_wait("simsearch.validate")
    metrics = Path(bpy.path.abspath("//similarity_search/validation/metrics.json"))
    found = json.loads(metrics.read_text("utf-8"))
    yield 1.0
    yield from driver.snapshot("example-validated")
    print(f"three clicks: macro F1 {found['macro_f1']:.3f} on {found['photos']} simulated photos", flush=True)
    assert found["macro_f1"] > 0.8


driver.run(steps)
