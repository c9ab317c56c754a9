# SPDX-License-Identifier: GPL-3.0-or-later
"""The layout of the folders that jobs write. File names are defined only here."""

from dataclasses import dataclass
from pathlib import Path

REFERENCES, PREDICTIONS, REPORT = "references", "predictions.csv", "report.html"


@dataclass(frozen=True)
class ReferencesFolder:
    """A folder of references, one sub-folder for each class."""

    path: Path

    @property
    def recipe(self) -> Path:
        """The recipe: everything that determined the references."""
        return self.path / "recipe.json"

    @property
    def lock(self) -> Path:
        """The lock file, which exists while a job writes to the folder."""
        return self.path / ".lock"

    @property
    def crashes(self) -> Path:
        """The file that counts Blender's crashes for each image."""
        return self.path / ".crashes.json"

    @property
    def rendering(self) -> Path:
        """The file that names the image that the job's own process is rendering."""
        return self.path / ".rendering"


@dataclass(frozen=True)
class ValidationFolder:
    """The folder of a validation's results."""

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
        """The report, an HTML page."""
        return self.path / REPORT

    @property
    def vectors(self) -> Path:
        """The cache of photo vectors, which lets a stopped validation continue and makes a repeated one fast."""
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
        """The folder of the preview, with one reference of each class."""
        return OutputFolder(self.path / "preview")

    @property
    def validation(self) -> ValidationFolder:
        """The last validation from the sidebar."""
        return ValidationFolder(self.path / "validation")

    @property
    def match(self) -> Path:
        """Where candidates for the look of the scene are rendered."""
        return self.path / "match"

    @property
    def comparison(self) -> Path:
        """Photos beside references before and after the scene was matched to them."""
        return self.path / "match.png"

    @property
    def evidence(self) -> Path:
        """The folder of pictures that show where photos differ from their nearest reference, by name of the photo."""
        return self.path / "evidence"


def reference_name(label: str, index: int) -> str:
    """Return the path of a rendered reference, relative to the folder of references."""
    return f"{label}/{label}_{index:04d}.png"
