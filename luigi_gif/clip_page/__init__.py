"""The page of the clips in a folder: HTML, small posters, and a feed; files that need no server."""

from typing import TYPE_CHECKING

from luigi_gif.lazy_names import loads_on_use

if TYPE_CHECKING:
    from luigi_gif.clip_page.posters import Posters
    from luigi_gif.clip_page.site_url import check_site_url
    from luigi_gif.clip_page.writing import write_page

__getattr__ = loads_on_use(
    __name__,
    {
        "posters": ("Posters",),
        "site_url": ("check_site_url",),
        "writing": ("write_page",),
    },
)
