"""What --url names: its items, which of them are wanted, and a bundle of their images."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.sources.assembled_bundle import SourceBundle, UnchangedSource
    from luigi_gif.sources.chosen_items import Source
    from luigi_gif.sources.dated_items import is_dated
    from luigi_gif.sources.earlier_bundle import EarlierBundle
    from luigi_gif.sources.explaining import explain_source
    from luigi_gif.sources.fetched_file import UNPACKED_SUFFIX
    from luigi_gif.sources.ffmpeg_program import Ffmpeg, find_ffmpeg, is_ffmpeg_installed
    from luigi_gif.sources.gathering import check_names_one
    from luigi_gif.sources.http_urls import file_name
    from luigi_gif.sources.item import Item
    from luigi_gif.sources.item_times import parse_age, parse_when, time_reader
    from luigi_gif.sources.link_list import looks_like_link_list, write_whole_paths
    from luigi_gif.sources.local_versions import source_version
    from luigi_gif.sources.own_pictures import would_be_item
    from luigi_gif.sources.selection import Selection
    from luigi_gif.sources.source_bundle import fetch_source, remove_leftovers

__getattr__ = loads_on_use(
    __name__,
    {
        "assembled_bundle": ("SourceBundle", "UnchangedSource"),
        "chosen_items": ("Source",),
        "dated_items": ("is_dated",),
        "earlier_bundle": ("EarlierBundle",),
        "explaining": ("explain_source",),
        "fetched_file": ("UNPACKED_SUFFIX",),
        "ffmpeg_program": ("Ffmpeg", "find_ffmpeg", "is_ffmpeg_installed"),
        "gathering": ("check_names_one",),
        "http_urls": ("file_name",),
        "item": ("Item",),
        "item_times": ("parse_age", "parse_when", "time_reader"),
        "link_list": ("looks_like_link_list", "write_whole_paths"),
        "local_versions": ("source_version",),
        "own_pictures": ("would_be_item",),
        "selection": ("Selection",),
        "source_bundle": ("fetch_source", "remove_leftovers"),
    },
)
