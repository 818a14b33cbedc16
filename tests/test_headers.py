"""Headers of the user's own: who gets them, and what is said where they cannot be used."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from luigi.configuration import get_config
from support.clips import clip_here
from support.commands import fails, run_luigi_gif
from support.numbered import picture, shown
from support.page_server import Server, reply

from luigi_gif import settings
from luigi_gif.errors import ParameterError

SetHeaders = Callable[[str], None]
SECRET = "s3cret"


@pytest.fixture
def set_headers(monkeypatch: pytest.MonkeyPatch) -> Iterator[SetHeaders]:
    """Set the entry of [download], as luigi.cfg does."""
    monkeypatch.setenv("OF_TEST", SECRET)
    config = get_config()
    yield lambda text: config.set("download", "headers", text)
    config.remove_option("download", "headers")


@pytest.fixture
def sites() -> Iterator[list[Server]]:
    """Two servers of pictures; for one host, the port tells them apart."""
    servers = [Server(), Server()]
    for server in servers:
        server.pages = {f"/{number}.png": picture(number) for number in range(4)}
    yield servers
    for server in servers:
        server.close()


def test_only_the_host_of_the_source_sees_them(
    set_headers: SetHeaders, sites: list[Server], tmp_path: Path
) -> None:
    """With the page and its pictures, also behind a redirect; never on another host."""
    set_headers("X-Key: ${OF_TEST}\nX-Other:  a: b \n")
    site, other = sites
    site.pages["/"] = reply(302, Location="/page/")
    links = ["/0.png", "/moved.png", "/away.png", other.url("/3.png")]
    links_of_page = "".join(f"<a href={link}>x</a>" for link in links)
    site.pages["/page/"] = f"<!DOCTYPE html>{links_of_page}".encode()
    site.pages["/moved.png"] = reply(302, Location="/1.png")
    site.pages["/away.png"] = reply(302, Location=other.url("/back.png"))
    other.pages["/back.png"] = reply(302, Location=other.url("/2.png"))
    clip = clip_here(site.url("/"), tmp_path / "work", sort="given")
    assert shown(clip) == [0, 1, 2, 3]
    asked = {"/", "/page/", "/0.png", "/moved.png", "/1.png", "/away.png"}
    assert site.values_of("X-Key") == dict.fromkeys(asked, SECRET)
    assert site.values_of("X-Other") == dict.fromkeys(asked, "a: b")
    assert other.values_of("X-Key") == dict.fromkeys(["/back.png", "/2.png", "/3.png"])


def test_authorization_counts_more_than_a_login(
    set_headers: SetHeaders,
    sites: list[Server],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """That of the URL, and that of a netrc file."""
    set_headers("authorization: Bearer ${OF_TEST}")
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login me password pw")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    site, _ = sites
    clip_here(site.url("/1.png").replace("//", "//me:pw@"), tmp_path / "by URL")
    clip_here(site.url("/2.png"), tmp_path / "by file")
    asked = ["/1.png", "/2.png"]
    assert site.values_of("Authorization") == dict.fromkeys(asked, f"Bearer {SECRET}")


@pytest.mark.parametrize("several", [False, True])
@pytest.mark.parametrize("hosts", [1, 2])
def test_a_list_and_several_sources_have_the_host_of_their_urls(
    set_headers: SetHeaders, sites: list[Server], tmp_path: Path, hosts: int, several: bool
) -> None:
    """If there are several, none of them gets the headers, as they may be for one only."""
    set_headers("X-Key: ${OF_TEST}")
    (tmp_path / "3.png").write_bytes(picture(3))
    urls = [sites[number % hosts].url(f"/{number}.png") for number in range(3)]
    (tmp_path / "list").write_text("\n".join([*urls, "3.png"]))
    source = json.dumps([*urls, str(tmp_path / "3.png")]) if several else tmp_path / "list"
    assert shown(clip_here(source, tmp_path / "work")) == [0, 1, 2, 3]
    values = {value for site in sites for value in site.values_of("X-Key").values()}
    assert values == ({SECRET} if hosts == 1 else {None})


@pytest.mark.parametrize(
    "text",
    [
        f"{SECRET}",
        f"A: b\n{SECRET} {SECRET}: x",
        f"X-{SECRET}:",
        f"X-Key: {SECRET}\x01",
        f"X-Key: {SECRET}ø",
        f"X-Key: {SECRET}\nx-key: {SECRET}",
        f"Range: {SECRET}",
        "X-Key: ${NONE_OF_TEST}",
    ],
)
def test_what_is_no_header_is_an_error(set_headers: SetHeaders, text: str) -> None:
    """That names the setting, and shows no value."""
    set_headers(text)
    with pytest.raises(ParameterError) as caught:
        settings.check_all()
    assert SECRET not in str(caught.value)
    assert "headers" in f"{caught.value.what} {caught.value.where}"


@pytest.mark.parametrize("by", ["luigi.cfg", "Python"])
def test_a_variable_that_is_not_set_is_named(set_headers: SetHeaders, by: str) -> None:
    """Luigi fills in those of luigi.cfg itself, and the pipeline all others."""
    text = "Authorization: Bearer ${NONE_OF_TEST}"
    set_headers(text)
    with pytest.raises(ParameterError, match=r"a value for \$\{NONE_OF_TEST\}"):
        settings.download() if by == "luigi.cfg" else settings.download(headers=text)


def test_the_settings_do_not_show_them(set_headers: SetHeaders) -> None:
    """Neither as a text nor in an id."""
    set_headers("X-Key: ${OF_TEST}")
    section = settings.download()
    assert section.headers == (("X-Key", SECRET),)
    assert SECRET not in f"{section!r} {section} {section.task_id}"
    assert SECRET not in str(section.to_str_params(only_public=True))


def test_they_are_an_option(sites: list[Server], tmp_path: Path) -> None:
    """As curl has it; a variable that is not set is named there, too."""
    site, _ = sites
    option = ("--download-headers", "X-Key: ${HOME}")
    assert run_luigi_gif(tmp_path, site.url("/0.png"), *option).returncode == 0
    assert site.values_of("X-Key") == {"/0.png": str(Path.home())}
    none = run_luigi_gif(tmp_path, site.url("/1.png"), "--download-headers", "X-Key: ${NO_TEST}")
    fails(none, "a value for ${NO_TEST}", code=2)
