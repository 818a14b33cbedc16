"""What a store is to say of an object when it serves it over http."""

from __future__ import annotations

from typing import Any, NamedTuple


class HttpHeaders(NamedTuple):
    """Headers of the answer to whoever asks for an object."""

    content_type: str
    """Its media type."""
    cache_control: str
    """How long others may keep it; empty for what the store says by itself."""

    def put_options(self, scheme: str) -> dict[str, Any]:
        """What ``put_file`` calls them on the file system of a scheme; nothing on others.

        From the documentation of s3fs, gcsfs and adlfs. Other file systems know no such headers.
        """
        options = _OPTIONS.get(scheme)
        return {} if options is None else options(self)


def _of_s3(headers: HttpHeaders) -> dict[str, Any]:
    return {"ContentType": headers.content_type} | _given("CacheControl", headers)


def _of_gcs(headers: HttpHeaders) -> dict[str, Any]:
    fixed = _given("cache_control", headers)
    return {"content_type": headers.content_type, "fixed_key_metadata": fixed}


def _of_azure(headers: HttpHeaders) -> dict[str, Any]:
    settings = {"content_type": headers.content_type} | _given("cache_control", headers)
    return {"content_settings": settings}


def _given(name: str, headers: HttpHeaders) -> dict[str, str]:
    return {name: headers.cache_control} if headers.cache_control else {}


_OPTIONS = {
    **dict.fromkeys(("s3", "s3a"), _of_s3),
    **dict.fromkeys(("gs", "gcs"), _of_gcs),
    **dict.fromkeys(("az", "abfs", "abfss"), _of_azure),
}
