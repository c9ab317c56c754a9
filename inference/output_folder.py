# SPDX-License-Identifier: GPL-3.0-or-later
"""What lies where in the folders that jobs write: the one place that knows file names."""

from dataclasses import dataclass
from pathlib import Path

REFERENCES, PREDICTIONS, REPORT = "references", "predictions.csv", "report.html"


@dataclass(frozen=True)
class ReferencesFolder:
    """A folder of references, one sub-folder for each class."""

    path: Path

    @property
    def recipe(self) -> Path:
        """All that made the references."""
        return self.path / "recipe.json"

    @property
    def lock(self) -> Path:
        """There while a job writes to the folder."""
        return self.path / ".lock"

    @property
    def crashes(self) -> Path:
        """How often Blender crashed on which image."""
        return self.path / ".crashes.json"

    @property
    def rendering(self) -> Path:
        """Names the image that is being rendered in the job's own process."""
        return self.path / ".rendering"


@dataclass(frozen=True)
class ValidationFolder:
    """What a validation writes."""

    path: Path

    @property
    def metrics(self) -> Path:
        """The scores."""
        return self.path / "metrics.json"

    @property
    def predictions(self) -> Path:
        """The verdict on each photo."""
        return self.path / PREDICTIONS

    @property
    def negatives(self) -> Path:
        """The verdict on each photo of no class."""
        return self.path / "negatives.csv"

    @property
    def report(self) -> Path:
        """The page for people."""
        return self.path / REPORT

    @property
    def vectors(self) -> Path:
        """Vectors of photos, by which a stopped validation goes on and a repeated one is quick."""
        return self.path / ".vectors.sqlite"


@dataclass(frozen=True)
class OutputFolder:
    """The output folder of a station."""

    path: Path

    @property
    def references(self) -> ReferencesFolder:
        """The references."""
        return ReferencesFolder(self.path / REFERENCES)

    @property
    def database(self) -> Path:
        """The reference database."""
        return self.path / f"{REFERENCES}.safetensors"

    @property
    def preview(self) -> "OutputFolder":
        """One reference of each class."""
        return OutputFolder(self.path / "preview")

    @property
    def validation(self) -> ValidationFolder:
        """The last validation from the sidebar."""
        return ValidationFolder(self.path / "validation")

    @property
    def evidence(self) -> Path:
        """Pictures of where classified photos differ from their nearest reference, by the photo's name."""
        return self.path / "evidence"


def reference_name(label: str, index: int) -> str:
    """Path of a rendered reference, relative to the folder of references."""
    return f"{label}/{label}_{index:04d}.png"
