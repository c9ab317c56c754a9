# SPDX-License-Identifier: GPL-3.0-or-later
"""Variant check: the demo's station, with parts drawn by us or with the CAD of the photographed ones.

    python benchmarks/cases/t_joint.py [--original-cad] t_joint.blend

The photographed parts' CAD is read from the folder that `SIMSEARCH_CAD` names, or from ../shared/cad.
"""

import argparse
import os
from pathlib import Path

from synthetic_similarity_search.benchmarks.cases.stage import end
from synthetic_similarity_search.examples.station import scene as station

ROOT = Path(__file__).resolve().parents[2]

ORIGINAL = {"t_joint": "T_Joint.stp", "metal_blank": "Metal_Blank.stp"}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="The scene of the t_joint case.")
    parser.add_argument("--original-cad", action="store_true", help="the CAD of the photographed parts, not our own")
    parser.add_argument("path", type=Path, help="the .blend file to write")
    args = parser.parse_args()
    if args.original_cad:
        folder = Path(os.environ.get("SIMSEARCH_CAD") or ROOT.parent / "shared" / "cad")
        station.CLASSES |= {label: str((folder / name).resolve()) for label, name in ORIGINAL.items()}
    station.build(args.path)
    end()
