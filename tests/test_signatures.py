"""What is no image is named in plain words, with what to do."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import tarfile
import zipfile

import pytest
from PIL import Image
from support.images import FORMATS, gif
from support.more_formats import EACH_FORMAT

from luigi_gif.bundles import image_formats, signatures


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("a.gif", gif(1))
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.gif"))
    return file.getvalue()


def saved(format_: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (4, 4)).save(file, format_)
    return file.getvalue()


@pytest.mark.parametrize("format_", FORMATS)
def test_an_image_is_named_by_its_format(format_: str) -> None:
    """Those that can be frames."""
    assert format_ in image_formats.FORMATS
    assert signatures.looks_like(saved(format_)) == f"{format_} data"


@pytest.mark.parametrize("name", EACH_FORMAT)
def test_an_image_of_any_other_format_is_named_too(name: str) -> None:
    """However weak its beginning is."""
    assert signatures.looks_like(EACH_FORMAT[name]) == f"{name.partition(' ')[0]} data"


@pytest.mark.parametrize(
    ("data", "name", "advice"),
    [
        (zipped(), "a zip archive", "unpack it"),
        (tarred(), "a tar archive", "unpack it"),
        (gzip.compress(gif(1), mtime=0), "gzip-compressed data", "unpack it"),
        (bz2.compress(gif(1)), "bzip2-compressed data", "unpack it"),
        (lzma.compress(gif(1)), "xz-compressed data", "unpack it"),
        (b"\0\0\0\x1cftypisom", "an MP4 video", "ffmpeg"),
        (b"\x1a\x45\xdf\xa3", "a Matroska or WebM video", "ffmpeg"),
        (b"\0\0\0\x0cJXL \r\n\x87\n", "a JPEG XL image", "convert it"),
        (b"8BPS\0\1", "a Photoshop image", "convert it"),
        (b"\xd7\xcd\xc6\x9a\0\0", "a Windows metafile", "convert it"),
        (saved("DDS"), "a DDS image", "convert it"),
        (b"II*\0\x10\0\0\0CR\2\0", "a camera raw image", "raw converter"),
        (b"FUJIFILMCCD-RAW 0201", "a camera raw image", "raw converter"),
        (b"%PDF-1.7", "a PDF document", "convert it"),
        (b"<?xml version='1.0'?>\n<svg>", "an SVG image", "convert it"),
        (b"version https://git-lfs.github.com/spec/v1\n", "a Git LFS pointer", "git lfs pull"),
        (b"iVBORw0KGgoAAAANSUhEUg", "an image as base64 text", "decode"),
        (b'{"error": 1}', "JSON text", "browser"),
        (b"\n<!DOCTYPE html>", "an HTML or XML page", "browser"),
        (b"\xef\xbb\xbf" + gif(1), "a byte order mark, as text has it, and then GIF", "binary"),
        (bytes(99), "data that begin with zeros", "--on-bad-frame skip"),
        (b"words", "data that begin with b'words'", "browser"),
        (b"", "nothing", "browser"),
    ],
)
def test_other_data_are_named_too(data: bytes, name: str, advice: str) -> None:
    """Archives, videos, other images, pointers, pages: each with what helps."""
    assert signatures.looks_like(data).startswith(name)
    assert advice in signatures.advice(data)
