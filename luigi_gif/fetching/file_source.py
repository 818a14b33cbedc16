"""A bundle that is a file, a pipe or an object of a store, read as one version of it."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import itertools
import json
import os
import re
import select
import stat
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from luigi_gif import redaction, storage, urls
from luigi_gif.errors import DownloadError, ParameterError, PipelineError, TransientDownloadError
from luigi_gif.fetching.download_errors import too_long_error
from luigi_gif.fetching.source_response import NotModified, Response, ResumeState, Validators

if TYPE_CHECKING:
    from luigi_gif import settings

PIECE_BYTES = 1 << 20
_HOST = re.compile(r"[\w-]+(\.[\w-]+)+(:[0-9]+)?|[\w-]+:[0-9]+")
_NAMES_LOOKED_AT = 1000
"""Of a folder, for one that is near to what is not there."""
_VERSION_KEYS = frozenset(
    {"size", "ETag", "etag", "generation", "mtime", "created", "LastModified", "last_modified"}
    | {"updated", "modify", "content_md5", "VersionId", "version_id"}
)
"""What file systems call that which may change whenever an object does."""


def source_version(url: str) -> str | None:
    """64 hexadecimal digits that change whenever a local source does.

    None for a source that is not a file of this machine, or is not there (any more).
    A device's number does not count: it may be another one after the machine starts.
    """
    if not urls.is_local(url):
        return None
    try:
        path = os.path.realpath(urls.local_path(url))
        status = storage.settled_status(path)
        if not stat.S_ISREG(status.st_mode):
            return None
        content = storage.content_of_unnumbered(path, status)
    except (OSError, ValueError):
        return None
    times = [status.st_mtime_ns, status.st_ctime_ns]  # cp -p keeps the first
    told = [path, status.st_size, *times, status.st_ino]
    version = json.dumps([*told, content] if content else told)
    return hashlib.sha256(version.encode()).hexdigest()


def file_sha256(url: str) -> str | None:
    """The SHA-256 of a local source, 64 hexadecimal digits; None where it cannot be read."""
    try:
        with open(urls.local_path(url), "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (OSError, ValueError):
        return None


def name_in_workdir(workdir: str, url: str) -> str:
    """The name of a local source in a local work directory; empty where it lies elsewhere."""
    path = os.path.normpath(urls.local_path(url))
    name = path.removeprefix(f"{os.path.normpath(urls.local_path(workdir))}/")
    return "" if name == path else name


def overwritten_source_error(url: str) -> ParameterError:
    """What to tell the user of a source that the run itself would write over."""
    return ParameterError(
        "the source lies where this run writes",
        where=redaction.public_url(url),
        expected="a file that the pipeline does not write",
        got="a name in the work directory that it uses itself",
        next_step="copy it elsewhere, or name another --workdir",
    )


def _file_version(status: os.stat_result) -> str:
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_dev}-{status.st_ino}"


@contextlib.contextmanager
def open_file(url: str, config: settings.download, deadline: float) -> Iterator[Response]:
    """A file, or what comes out of a pipe or a device.

    ``deadline`` is in seconds of the monotonic clock.
    """
    with contextlib.ExitStack() as stack:
        with translating_errors(url):
            # A FIFO without a writer would otherwise keep open() waiting for ever.
            flags = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK
            descriptor = os.open(urls.local_path(url), flags)
            stack.callback(os.close, descriptor)
            status = os.fstat(descriptor)
            if stat.S_ISDIR(status.st_mode):
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if stat.S_ISREG(status.st_mode):
            version = _file_version(status)
            pieces = _versioned(
                lambda: os.read(descriptor, PIECE_BYTES),
                lambda: _file_version(os.fstat(descriptor)) == version,
                url,
            )
            total, time_ = status.st_size, status.st_mtime
        else:
            pieces, total, time_ = _stream(descriptor, url, config, deadline), None, None
        pieces = _in_time(pieces, url, config, deadline)
        yield Response(0, total, None, None, None, pieces, time=time_)


@contextlib.contextmanager
def open_object(
    url: str,
    config: settings.download,
    state: ResumeState,
    deadline: float,
    known: Validators,
) -> Iterator[Response]:
    """An object of a store, or the rest of it if it is still of the version that has arrived.

    Raises NotModified if it is still of that of the validators.
    """
    with contextlib.ExitStack() as stack:
        with translating_errors(url):
            objects = storage.Store(url)
            info = _fresh_info(objects)
            if info.get("type") == "directory":
                raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
            if info.get("size") is None:
                raise ValueError("the store does not say how long it is")
            version = storage.object_version(info)
            if version is not None and version == known.version:
                raise NotModified
            start = state.size if version is not None and version == state.validator else 0
            file = stack.enter_context(objects.open(objects.root, start))
        pieces = _versioned(
            lambda: file.read(storage.AT_ONCE_BYTES),
            lambda: _told_version(_fresh_info(objects)) == _told_version(info),
            url,
        )
        pieces = _in_time(pieces, url, config, deadline)
        yield Response(
            start,
            int(info["size"]),
            version,
            None,
            None,
            pieces,
            validators=Validators(version=version),
            time=storage.object_time(info),
        )


def _fresh_info(objects: storage.Store) -> dict[str, Any]:
    """What the store tells of the object now, not what a listing told before."""
    objects.invalidate_cache()
    info: dict[str, Any] = objects.call("info", objects.root)
    return info


def _told_version(info: dict[str, Any]) -> dict[str, str]:
    return {key: str(info[key]) for key in sorted(_VERSION_KEYS & info.keys())}


def _versioned(
    read: Callable[[], bytes], is_unchanged: Callable[[], bool], url: str
) -> Iterator[bytes]:
    """Pieces of one version: each is given only if the source is still the same behind it."""
    with translating_errors(url):
        while True:
            piece = read()
            if not is_unchanged():
                raise TransientDownloadError(
                    "the file changed while it was read",
                    where=redaction.public_url(url),
                    expected="one version of it, from its beginning to its end",
                    got="another size, time or version than before",
                    next_step="run again when nobody writes to it",
                )
            if not piece:
                return
            yield piece


def _stream(
    descriptor: int, url: str, config: settings.download, deadline: float
) -> Iterator[bytes]:
    """What comes out of a pipe or a device, until it ends.

    A pipe that nobody has opened for writing is as if at its end (fifo(7)): a writer has to
    come within connect_timeout, its bytes within read_timeout.
    """
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    has_writer = has_waited = False
    with translating_errors(url):
        while True:
            try:
                piece = os.read(descriptor, PIECE_BYTES)
            except BlockingIOError:  # whoever writes has nothing yet
                piece, has_writer = b"", True
            else:
                if not piece and has_writer:
                    return
                if not piece and has_waited:
                    raise _silence_error(url, "connect")
            if piece:
                has_writer = True
                yield piece
                continue
            wait_s = config.read_timeout if has_writer else config.connect_timeout
            if poll.poll(max(0.0, min(wait_s, deadline - time.monotonic())) * 1000):
                has_writer = True
            elif has_writer:
                raise _silence_error(url, "read")
            has_waited = True


def _silence_error(url: str, setting: str) -> DownloadError:
    return DownloadError(
        "nothing comes from the source",
        where=redaction.public_url(url),
        expected="the next bytes of a pipe or a device, or its end",
        got=f"silence for the --download-{setting}-timeout, or until the deadline",
        next_step="start what writes to it, or give the path of a file",
    )


def _in_time(
    pieces: Iterator[bytes], url: str, config: settings.download, deadline: float
) -> Iterator[bytes]:
    for piece in pieces:
        yield piece
        if time.monotonic() > deadline:
            raise too_long_error(redaction.public_url(url), config, "more to read")


@contextlib.contextmanager
def translating_errors(
    url: str,
    what: str = "the file cannot be read",
    expected: str = "a file or an object that can be read",
) -> Iterator[None]:
    """Turn what the operating system or a store raises into a DownloadError."""
    try:
        yield
    except (PipelineError, NotModified):
        raise
    except Exception as error:  # a store may raise anything
        number = error.errno if isinstance(error, OSError) else None
        if isinstance(error, FileNotFoundError):
            number = errno.ENOENT
        first_line = str(error).strip().partition("\n")[0] or type(error).__name__
        words = redaction.public_text(first_line, url)
        if number and (urls.is_local(url) or number in (errno.ENOENT, errno.EISDIR)):
            words = os.strerror(number)
        told = DownloadError(
            what,
            where=redaction.public_url(url),
            expected=expected,
            got=words,
            next_step=_advice(url, error),
        )
        told.is_missing = isinstance(error, FileNotFoundError)
        raise told from None  # its own text may hold secrets


def _advice_on_missing(path: str) -> str:
    """By the first part of a path that is not there: a host, or a name near to one that is."""
    folder, missing = os.path.split(path.rstrip("/"))
    while not os.path.isdir(folder) and folder not in ("", "/"):
        folder, missing = os.path.split(folder)
    goes_on = os.path.join(folder, missing) != path.rstrip("/")
    if _HOST.fullmatch(missing) and (goes_on or ":" in missing or missing.startswith("www.")):
        return "correct the path, or begin the URL with https:// or http://"
    import difflib  # which a run without a mistake does without

    names: list[str] = []
    with contextlib.suppress(OSError), os.scandir(folder or ".") as entries:
        names = [entry.name for entry in itertools.islice(entries, _NAMES_LOOKED_AT)]
    nearest = difflib.get_close_matches(missing, names, n=1, cutoff=0.75)
    if nearest:
        return f"did you mean {redaction.public_text(nearest[0])}?"
    return "correct the URL, or mend what stands in the way, and run again"


def _advice(url: str, error: Exception) -> str:
    """What to do, by what failed: the path, the bucket, the credentials, or an extra."""
    if urls.is_local(url):
        if isinstance(error, FileNotFoundError):
            return _advice_on_missing(urls.local_path(url))
        return "correct the URL, or mend what stands in the way, and run again"
    if isinstance(error, ImportError):
        return "install it; for the common stores: pip install 'luigi_gif[s3]', [gcs] or [azure]"
    if isinstance(error, ValueError) and "rotocol" in str(error):
        return "correct what stands before :// in the URL"
    if isinstance(error, FileNotFoundError):
        return "check the bucket and the name in the URL"
    if isinstance(error, IsADirectoryError):
        return f"for all that is in it, write {redaction.public_url(url)}/"
    if isinstance(error, PermissionError) or "redential" in f"{type(error).__name__} {error}":
        advice = "give this user's credentials for the store the right to read it"
        is_s3 = urls.scheme_of(url) == "s3"
        return f"{advice}; a public bucket needs FSSPEC_S3_ANON=true" if is_s3 else advice
    return "correct the URL, or mend what stands in the way, and run again"
