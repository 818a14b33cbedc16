"""Frames of a bundle once more, in all of their colors, for what is made of them beside the clip.

Which of them are shown, the manifest says: one that cannot be decoded now is another.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import TYPE_CHECKING, NamedTuple

from luigi_gif import bundles, gif, imaging, storage
from luigi_gif.errors import Malformed, Undecodable
from luigi_gif.frames.bundle_errors import changed_bundle_error, machine_error
from luigi_gif.frames.captions import ItemTexts, with_caption, with_item_texts
from luigi_gif.frames.changed_frames import DamagedPixels
from luigi_gif.frames.frame_to_gif import frames_of
from luigi_gif.frames.manifest import Chunk
from luigi_gif.frames.render_options import RenderOptions

if TYPE_CHECKING:
    from PIL.Image import Image

_HELD_CHUNKS = 3
"""The one that is read, and those beside it."""


class ChunkSource(NamedTuple):
    """What it takes to decode frames of a chunk."""

    chunk: Chunk
    item_texts: tuple[ItemTexts, ...]
    """What the captions of its frames tell of their items."""


class TrueColorFrame(NamedTuple):
    """A frame as it looks before it gets a palette."""

    picture: Image
    """RGB or RGBA: cropped, in its size and with its caption."""
    delay_cs: int
    """How long it shows for its own delay, in hundredths of a second."""


class TrueColorReader:
    """Decodes frames of a bundle. It holds the bytes of a few chunks, and no pixels.

    Parameters
    ----------
    folder : Folder
        The work directory.
    data_file : str
        The name of the bundle.
    options : RenderOptions
        How frames are made; palettes do not count.
    """

    def __init__(self, folder: storage.Folder, data_file: str, options: RenderOptions) -> None:
        self._folder = folder
        self._data_file = data_file
        self._options = options
        self._chunks: OrderedDict[int, list[bundles.Frame]] = OrderedDict()
        """Their frames, by the numbers of the first ones."""

    def read(self, source: ChunkSource, number: int) -> TrueColorFrame:
        """Decode a frame of a chunk.

        Raises BundleError where the bundle is not what it was, DamagedPixels, and StorageError.
        """
        frame = self._frames(source.chunk)[number - source.chunk.first_number]
        options = with_item_texts(self._options, source.item_texts)
        try:
            look = with_caption(options, number, frame.offset).look
            decoded = self._decode_gif(number, frame, look) or imaging.to_picture(frame.data, look)
        except (Undecodable, bundles.BadFrame):
            raise changed_bundle_error(self._folder.path(self._data_file)) from None
        except OSError as error:
            raise machine_error(number, error) from error
        return TrueColorFrame(decoded.picture, gif.displayed_cs(decoded.delay_cs))

    def _decode_gif(
        self, number: int, frame: bundles.Frame, look: imaging.Look
    ) -> imaging.DecodedImage | None:
        """None of what is to be decoded as other images are. Raises DamagedPixels and OSError."""
        if frame.format != "GIF":
            return None
        try:
            image, _ = gif.read_first_image(frame.data, is_whole=frame.is_whole)
        except Malformed:
            return None
        try:
            return imaging.gif_to_picture(image, look)._replace(delay_cs=image.delay_cs)
        except Undecodable as error:  # it was copied without a look at each pixel
            path = f"{self._folder.path(self._data_file)}, at byte {frame.offset:,}"
            raise DamagedPixels(number, path, error.expected, error.got) from None

    def _frames(self, chunk: Chunk) -> list[bundles.Frame]:
        found = self._chunks.pop(chunk.first_number, None)
        if found is None:
            stop = chunk.end + bundles.LOOK_AHEAD_BYTES
            data = self._folder.read_range(self._data_file, chunk.start, stop)
            found = list(frames_of(data, chunk))
            if len(found) != chunk.frame_count:
                raise changed_bundle_error(self._folder.path(self._data_file))
            while len(self._chunks) >= _HELD_CHUNKS:
                self._chunks.popitem(last=False)
        self._chunks[chunk.first_number] = found
        return found
