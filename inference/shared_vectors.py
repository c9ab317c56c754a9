# SPDX-License-Identifier: GPL-3.0-or-later
"""Vectors that the shares of a job leave beside each other, until all are there and one share joins them.

``vectors`` is always the file of the whole job's :class:`.vector_cache.VectorCache`; each share has one of its own, as
SQLite's locks may not work in shared folders on a network, and says in another file that it is done.
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
    """Embed the share of ``paths`` that is this one's; returns how many shares of the same job are not done yet.

    Files that cannot be read are left to whoever joins the shares, who reports them.

    Raises:
        InputError: the folder of ``vectors`` cannot be written.
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
    """Whether a share of this job is done."""
    try:
        return file.read_text("ascii") == job
    except (OSError, ValueError):
        return False


def absorb_shares(cache: VectorCache, vectors: Path) -> None:
    """Let the cache of the whole job know what shares have embedded."""
    for file in shard_files(vectors):
        cache.absorb(file)


def forget_shares(shard: Shard, vectors: Path) -> None:
    """Remove what the shares of a job left, which the whole job knows now."""
    for path in (vectors, vectors.with_suffix(".done")):
        for file in shard.all_files(path):
            with suppress(OSError):  # Windows removes no file that another share reads; it costs room, but no result
                file.unlink(missing_ok=True)
