# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectors that the shares of a job store side by side, until all are done and one share joins them.

``vectors`` is always the :class:`.vector_cache.VectorCache` file of the whole job. Each share has its own file, because
SQLite's locks may not work in shared network folders. A second file of each share states that it is done.
"""

import hashlib
import json
from collections.abc import Sequence
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path

from .embedding import embed_files
from .encoder import Encoder
from .files import replacing, writable_folder
from .preprocessing import Preprocessing
from .progress import Progress
from .shard import Shard, shard_files
from .vector_cache import VectorCache


def embed_share(
    shard: Shard,
    vectors: Path,
    encoder: Encoder,
    preprocessing: Preprocessing,
    paths: Sequence[Path],
    progress: Progress,
    stage: str,
) -> int:
    """Embed a share of the files ``paths``.

    Files that cannot be read are skipped; whoever joins the shares reports them.

    Args:
        shard: the share.
        vectors: the file of the whole job's vectors.
        encoder: the encoder.
        preprocessing: how an image becomes the encoder's input.
        paths: the files of the whole job.
        progress: receives the progress.
        stage: what the progress is called.

    Returns:
        The number of shares of the same job that are not done yet.

    Raises:
        InputError: the folder of ``vectors`` cannot be written to.
    """
    writable_folder(vectors.parent)
    made_of = [asdict(encoder.model), asdict(preprocessing), [path.as_posix() for path in paths]]
    job = hashlib.sha256(json.dumps(made_of).encode("utf-8", "surrogateescape")).hexdigest()
    done = vectors.with_suffix(".done")
    with closing(VectorCache(shard.file(vectors), encoder.model, preprocessing)) as cache:
        embed_files(encoder, preprocessing, shard.of(paths), progress, stage, cache)
    with replacing(shard.file(done)) as temporary:
        temporary.write_text(job, "ascii")
    return sum(not _says(file, job) for file in shard.all_files(done))


def _says(file: Path, job: str) -> bool:
    """Return whether a file states that a share of this job is done."""
    try:
        return file.read_text("ascii") == job
    except (OSError, ValueError):
        return False


def absorb_shares(cache: VectorCache, vectors: Path) -> None:
    """Copy to the cache of the whole job what shares have embedded."""
    for file in shard_files(vectors):
        cache.absorb(file)


def forget_shares(shard: Shard, vectors: Path) -> None:
    """Remove the files of the shares once the whole job has their content."""
    for path in (vectors, vectors.with_suffix(".done")):
        for file in shard.all_files(path):
            with suppress(OSError):  # Windows cannot remove a file that another share reads; it only takes up space
                file.unlink(missing_ok=True)
