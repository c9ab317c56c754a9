# SPDX-License-Identifier: GPL-3.0-or-later
"""Build the documentation site into build/documentation/site; `make docs` runs this.

The pages stay where readers of the repository expect them. They are copied, with all that they link to, into one folder
of the same layout, so that their links hold on the site too. The page of the Python API is made from the docstrings of
`inference/`. Anything that mkdocs warns of, such as a link that leads nowhere, fails the build.
"""

import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "build" / "documentation" / "source"
PAGES = ("*.md", "*/README.md", "benchmarks/*.md", "docs/**/*.md")
LINKED = ("LICENSE", "docs/images/*", "examples/**/*.py", "examples/**/*.cpp")


def copy_pages() -> None:
    """Copy the pages and what they link to, at the same places below ``SOURCE``."""
    for pattern in (*PAGES, *LINKED):
        for path in ROOT.glob(pattern):
            target = SOURCE / path.relative_to(ROOT)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, target)


def write_api_page() -> None:
    """Write docs/api.md: the docstrings of every module of `inference/`."""
    folder = ROOT / "inference"
    names = [".".join(path.relative_to(ROOT).with_suffix("").parts) for path in sorted(folder.rglob("*.py"))]
    modules = [name for name in names if not name.rpartition(".")[2].startswith("_")]
    head = (
        "# Python API\n\nThe functions and classes of `inference/`, which needs no Blender. In the extension and in the "
        "tests the package is `synthetic_similarity_search.inference`.\n\n"
    )
    body = "".join(f"## `{module}`\n\n::: {module}\n\n" for module in modules)
    (SOURCE / "docs" / "api.md").write_text(head + body, "utf-8")


def main() -> int:
    """Build the site; returns the exit status."""
    shutil.rmtree(SOURCE.parent, ignore_errors=True)
    copy_pages()
    write_api_page()
    return subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--quiet", "--strict"], cwd=ROOT, check=False
    ).returncode


if __name__ == "__main__":
    sys.exit(main())
