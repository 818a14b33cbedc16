"""What is written onto the frames: planned by the run, put together by workers.

The run fills in what a caption tells of items, so that only it reads their list, and no worker
needs to know time zones. A worker adds numbers, and has the text drawn.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import tzinfo
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from luigi_gif import bundles, imaging, storage
from luigi_gif.errors import ParameterError, Undecodable
from luigi_gif.frames.bundle_errors import NoCaption
from luigi_gif.frames.caption_text import CaptionTemplate
from luigi_gif.frames.item_names import FrameItem, ItemsInOrder, noted_items

if TYPE_CHECKING:
    from luigi_gif.frames.render_options import RenderOptions


_DRAWABLE = "characters that its font has, of a script that needs no joining of letters"


class ItemTexts(NamedTuple):
    """What captions tell of an item."""

    first_frame: int
    """The number of the first frame that was made of it."""
    texts: tuple[str, ...] | None
    """Of the fields, in their order; None where it has no time."""


TextsOfFrames: TypeAlias = Callable[[range], tuple[ItemTexts, ...]]
"""Gives those of frames with neighbouring numbers; they are asked for in order."""


class Captions(NamedTuple):
    """What is written onto frames, as workers know it."""

    template: CaptionTemplate
    style: imaging.CaptionStyle
    frame_count: int
    """Of all frames."""
    has_font_file: bool
    """Whether a font is in the work directory; the style has it once it is read."""
    item_texts: tuple[ItemTexts, ...] = ()
    """Of the items of a chunk."""


class CaptionPlan(NamedTuple):
    """What is written onto frames, as the run knows it."""

    template: CaptionTemplate
    style: imaging.CaptionStyle
    zone: tzinfo
    """Whose clocks show times, ..."""
    time_of: Callable[[FrameItem], float | None]
    """... in seconds since 1970 UTC; those in names may be of this zone, not the noted one."""
    source_name: str
    """What a frame is named after that is of no item."""

    def check(self) -> None:
        """Raise ParameterError for a font that cannot be used, or that lacks a character."""
        font = self.style.font
        try:
            imaging.check_font(font)
        except Undecodable as error:
            raise ParameterError(
                "the font of the captions cannot be used",
                where="--caption-font",
                expected=error.expected,
                got=error.got,
                next_step="name another file",
            ) from None
        if missing := imaging.missing_characters(self.template.example, font):
            raise ParameterError(
                "the caption cannot be drawn",
                where="--caption",
                expected=_DRAWABLE,
                got=_named(missing),
                next_step="name another --caption-font, or change the caption",
            )


def find_item_texts(
    plan: CaptionPlan | None, folder: storage.Folder, data_file: str
) -> TextsOfFrames:
    """A function that gives the texts of frames which stand behind one another."""
    if plan is None or not plan.template.tells_items:
        return lambda numbers: ()
    items = ItemsInOrder(noted_items(folder, data_file))

    def texts_of(numbers: range) -> tuple[ItemTexts, ...]:
        found = items.of(numbers) or [FrameItem(0, plan.source_name, None)]
        return tuple(
            ItemTexts(
                item.first_frame,
                plan.template.item_texts(item.name, plan.time_of(item), plan.zone),
            )
            for item in found
        )

    return texts_of


@contextmanager
def shared_captions(
    folder: storage.Folder, handle: storage.FolderHandle, plan: CaptionPlan | None, count: int
) -> Iterator[Captions | None]:
    """What workers write onto so many frames; while the block lasts, they find the font."""
    if plan is None:
        yield None
        return
    font = plan.style.font
    style = plan.style._replace(font=None)
    if font is not None:
        folder.write(handle.font_file, font)
    try:
        yield Captions(plan.template, style, count, font is not None)
    finally:
        if font is not None:
            folder.remove(handle.font_file)


def with_font(
    handle: storage.FolderHandle, folder: storage.Folder, options: RenderOptions
) -> RenderOptions:
    """On a worker: the options with the font of captions, if that is a file."""
    captions = options.captions
    if captions is None or not captions.has_font_file:
        return options
    style = captions.style._replace(font=folder.read(handle.font_file))
    return options._replace(captions=captions._replace(style=style))


def with_item_texts(options: RenderOptions, item_texts: tuple[ItemTexts, ...]) -> RenderOptions:
    """The options for frames of these items."""
    captions = options.captions
    if captions is None:
        return options
    return options._replace(captions=captions._replace(item_texts=item_texts))


def with_caption(options: RenderOptions, number: int, offset: int) -> RenderOptions:
    """The options for one frame, whose first byte has this offset in the bundle.

    Raises NoCaption.
    """
    captions = options.captions
    if captions is None:
        return options
    texts: tuple[str, ...] | None = ()
    if captions.item_texts:
        place = bisect_right(captions.item_texts, number, key=lambda each: each.first_frame)
        texts = captions.item_texts[max(0, place - 1)].texts
    if texts is None:
        expected = "a time, for its caption (--time-format says how names write one)"
        raise NoCaption(number, offset, bundles.FrameError(expected, "an item without a time"))
    text = captions.template.text(number, captions.frame_count, texts)
    if missing := imaging.missing_characters(text, captions.style.font):
        expected = f"a caption of {_DRAWABLE} (see --caption-font)"
        error = bundles.FrameError(expected, _named(missing))
        raise NoCaption(number, offset, error)
    caption = imaging.Caption(text, captions.style)
    return options._replace(look=options.look._replace(caption=caption))


def _named(characters: str) -> str:
    return ", ".join(f"{each!r} (U+{ord(each):04X})" for each in characters)
