"""Write the blocks of a clip batch to files, one for each chunk: what runs on a worker."""

from __future__ import annotations

import zlib
from itertools import groupby
from typing import NamedTuple

from luigi_gif import frames, storage
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_blocks import make_clip_blocks
from luigi_gif.clips.frame_reader import FrameReader
from luigi_gif.errors import out_of_memory


class BlockFile(NamedTuple):
    """The blocks of one chunk, as a worker wrote them to a file."""

    chunk_index: int
    size_bytes: int
    crc32: int


class CompletedClipBatch(NamedTuple):
    """What a worker made of a batch."""

    files: list[BlockFile]
    digests: dict[int, str]
    """SHA-256 of frame files, by number: the batch's first and last, and those beside it."""


def write_clip_batch(handle: storage.FolderHandle, batch: ClipBatch) -> CompletedClipBatch:
    """On a worker: write the blocks of each chunk. Raises ChangedFrame or StorageError.

    The files have the name of a temporary file with the run's own token: a dead run's are swept,
    and a worker that is late with one spoils no clip.
    """
    folder = storage.attach(handle)
    reader = FrameReader(folder, batch.digits)
    files = []
    try:
        with folder.writer() as write:
            made = make_clip_blocks(reader, batch)
            for index, pieces in groupby(made, key=lambda block: block[0]):
                blocks = b"".join(piece for _, piece in pieces)
                write(handle.block_file(frames.SUBFOLDER, index), blocks)
                files.append(BlockFile(index, len(blocks), zlib.crc32(blocks)))
    except MemoryError as error:
        raise out_of_memory(folder.path(frames.SUBFOLDER)) from error
    return CompletedClipBatch(files, reader.digests)
