"""A URL is shown without its secrets, and told apart from others all the same."""

from __future__ import annotations

import pytest

from luigi_gif import urls


@pytest.mark.parametrize(
    ("url", "public"),
    [
        ("/a/path?x", "/a/path?x"),
        ("https://host:8443/a.img", "https://host:8443/a.img"),
        ("https://user:secret@host/a.img", "https://host/a.img"),
        ("https://host/a.img?token=secret&raw#secret", "https://host/a.img?token=***&raw=***"),
        ("https://host/a.img?secret", "https://host/a.img?secret=***"),
        ("s3://key:secret@bucket/a.img", "s3://bucket/a.img"),
        ("zip://a::https://user:secret@host/b?t=secret", "zip://a::https://host/b?t=***"),
    ],
)
def test_a_url_is_shown_without_secrets(url: str, public: str) -> None:
    """No user, no password, no value of the query, no fragment."""
    assert urls.public_url(url) == public


def test_urls_that_look_alike_differ_in_their_digest() -> None:
    """Except for the password; a name may have any bytes that a file system allows."""
    digest = urls.url_digest("https://me:secret@host/a?id=1")
    assert digest == urls.url_digest("https://me:other@host/a?id=1")
    assert digest != urls.url_digest("https://you:secret@host/a?id=1")
    assert digest != urls.url_digest("https://me:secret@host/a?id=2")
    assert urls.url_digest("caf\udce9.img")


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://host/all-images.img?raw=true", "all-images"),
        ("https://host/", "bundle"),
        ("https://host/..", "bundle"),
        ("/tmp/*[1]{2}? %2e.img", "1-2"),
    ],
)
def test_a_folder_is_named_for_its_url(url: str, name: str) -> None:
    """Nothing in the name can lead out of its folder, or is special to a shell."""
    assert urls.name_from_url(url) == f"{name}-{urls.url_digest(url)}"
