"""Write the blocks of a clip batch to files, one for each part: what runs on a worker."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

from isal import isal_zlib

from luigi_gif import frames, storage
from luigi_gif.clips.clip_batches import ClipBatch
from luigi_gif.clips.clip_blocks import make_clip_blocks
from luigi_gif.clips.frame_reader import FrameReader
from luigi_gif.errors import out_of_memory


class BlockFile(NamedTuple):
    """The blocks of one part of a clip, as a worker wrote them to a file."""

    part_index: int
    size_bytes: int
    crc32: int
    image_count: int
    duration_cs: int


class CompletedClipBatch(NamedTuple):
    """What a worker made of a batch."""

    files: list[BlockFile]
    digests: dict[int, str]
    """SHA-256 of the frame files that other batches may read too, by number."""


def write_clip_batch(handle: storage.FolderHandle, batch: ClipBatch) -> CompletedClipBatch:
    """On a worker: write the blocks of each part. Raises ChangedFrame or StorageError.

    The files have the name of a temporary file with the run's own token: a dead run's are swept,
    and a worker that is late with one spoils no clip.
    """
    folder = storage.attach(handle)
    reader = FrameReader(folder, batch.digits)
    files = []
    try:
        with folder.writer() as write:
            made = make_clip_blocks(reader, batch)
            for index, group in groupby(made, key=lambda image: image.part_index):
                images = list(group)
                blocks = b"".join(piece for image in images for piece in image.pieces)
                write(handle.block_file(frames.SUBFOLDER, index), blocks)
                duration_cs = sum(image.delay_cs for image in images)
                crc32 = isal_zlib.crc32(blocks)
                files.append(BlockFile(index, len(blocks), crc32, len(images), duration_cs))
    except MemoryError as error:
        raise out_of_memory(folder.path(frames.SUBFOLDER)) from error
    return CompletedClipBatch(files, reader.digests)
