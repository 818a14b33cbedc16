"""Animated WebP and PNG: encoded by workers, and put together by copying what they wrote."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from functools import partial
from itertools import islice
from typing import NamedTuple

from luigi_gif import clips, containers, execution, frames
from luigi_gif.also.animation_batches import Animation, AnimationBatch, encode_batch
from luigi_gif.also.file_sources import FileSources
from luigi_gif.also.shown_pictures import parts_of_runs, plan_pictures
from luigi_gif.errors import BundleError


class EncodedAnimation(NamedTuple):
    """A file whose images can be read, once."""

    blocks: clips.WorkerBlocks
    has_alpha: bool


class AnimationEncoder:
    """Has workers encode the images of animations, and gives the bytes of the files."""

    def __init__(self, sources: FileSources) -> None:
        self._sources = sources

    def encode(
        self, formats: list[str], stack: contextlib.ExitStack
    ) -> dict[str, EncodedAnimation]:
        """The images of these formats, until the stack is closed.

        Each picture is decoded once for all of them. A PNG whose pixels need alpha against
        expectation is encoded again.

        Raises BundleError, StorageError or ClusterError.
        """
        may_have_alpha = not self._sources.manifest.uniform
        lossless = self._sources.options.lossless
        animations = [
            Animation(format_, format_ == "apng" or lossless, may_have_alpha) for format_ in formats
        ]
        made, has_alpha = self._run(animations, stack)
        if "apng" in made and has_alpha and not may_have_alpha:
            made["apng"].close()
            made |= self._run([Animation("apng", True, True)], stack)[0]
        return {
            format_: EncodedAnimation(blocks, has_alpha or (may_have_alpha and format_ == "apng"))
            for format_, blocks in made.items()
        }

    def _run(
        self, animations: list[Animation], stack: contextlib.ExitStack
    ) -> tuple[dict[str, clips.WorkerBlocks], bool]:
        sources, has_alpha = self._sources, False
        made = {
            each.format: stack.enter_context(contextlib.closing(clips.WorkerBlocks(sources.folder)))
            for each in animations
        }
        sequence = sources.plan.sequence
        with (
            sources.shared_options() as (font, options),
            execution.open_executor(sources.config, sequence.work) as executor,
            sources.reporter.track("frames encoded", sequence.step_count, 0) as progress,
        ):
            chunks = plan_pictures(sequence, sources.plan.canvas, sources.item_texts())
            max_work = sources.config.batch_mib << 20
            shown = [part for part in sequence.parts if part.steps and not part.is_way_back]
            runs = list(parts_of_runs(shown))
            groups = frames.group_by_work(runs, _work_of, executor.threads, max_work)
            batches = (
                AnimationBatch(
                    sources.data_file,
                    options,
                    sources.plan.canvas,
                    tuple(animations),
                    tuple(tuple(islice(chunks, len(run))) for run in group),
                )
                for group in groups
            )
            handles = {format_: blocks.handle for format_, blocks in made.items()}
            writing = executor.run(partial(encode_batch, handles, font), batches)
            with contextlib.closing(writing) as finished:
                for encoded in finished:
                    has_alpha |= encoded.has_alpha
                    for format_, files in encoded.files.items():
                        made[format_].add(files)
                    first = made[animations[0].format]
                    progress(first.image_count, sum(each.size_bytes for each in made.values()))
        return made, has_alpha


def _work_of(run: list[clips.Part]) -> int:
    return sum(part.work for part in run)


def webp_bytes(
    encoded: EncodedAnimation, size: tuple[int, int], plays: int, note_bytes: int, path: str
) -> Iterator[bytes]:
    """An animated WebP, up to the note. Raises BundleError where it would be too large."""
    behind = encoded.blocks.size_bytes + note_bytes
    if behind > containers.MAX_WEBP_BYTES - 100:
        raise BundleError(
            "the frames need too large a WebP",
            where=path,
            expected=f"at most {containers.MAX_WEBP_BYTES:,} bytes",
            got=f"{behind:,}",
            next_step="leave webp out of --also, or take fewer or smaller frames",
        )
    yield containers.webp_head(size, plays, behind, has_alpha=encoded.has_alpha)
    yield from encoded.blocks.read()


def apng_bytes(encoded: EncodedAnimation, size: tuple[int, int], plays: int) -> Iterator[bytes]:
    """An animated PNG, up to the note."""
    image_count = encoded.blocks.image_count
    yield containers.apng_head(size, image_count, plays, has_alpha=encoded.has_alpha)
    numbering = containers.ApngFrames()
    for images in encoded.blocks.read():
        yield from numbering.numbered(images)
