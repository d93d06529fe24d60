"""Two languages in one site: pages under zh/ have Chinese menus and a Chinese navigation, the others English ones.

The switch in the header leads to the same page in the other language, where there is one, else to the other language's first page.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure import StructureItem
from mkdocs.structure.files import Files
from mkdocs.structure.nav import Navigation, Section
from mkdocs.structure.pages import Page

CHINESE = "zh/"


def on_nav(nav: Navigation, config: MkDocsConfig, files: Files) -> Navigation:
    """Take the link between the last English page and the first Chinese one away."""
    for page in nav.pages:
        before = page.previous_page
        if before is not None and _is_chinese(before) != _is_chinese(page):
            before.next_page, page.previous_page = None, None
    return nav


def on_page_context(context: dict[str, Any], page: Page, config: MkDocsConfig, nav: Navigation) -> dict[str, Any]:
    """Menus, navigation and language switch of this page."""
    config.theme["language"] = "zh" if _is_chinese(page) else "en"
    config.extra["alternate"] = _switch(page, {other.file.src_uri: other.url for other in nav.pages})
    context["nav"] = _of_language(nav, chinese=_is_chinese(page))
    return context


def _is_chinese(page: Page) -> bool:
    return page.file.src_uri.startswith(CHINESE)


def _switch(page: Page, urls: Mapping[str, str]) -> list[dict[str, str]]:
    """The language menu: name, code, and address from the root of the site."""
    english = page.file.src_uri.removeprefix(CHINESE)
    return [
        {"name": "English", "lang": "en", "link": urls.get(english, urls["index.md"])},
        {"name": "中文", "lang": "zh", "link": urls.get(CHINESE + english, urls[CHINESE + "index.md"])},
    ]


def _of_language(nav: Navigation, *, chinese: bool) -> Navigation:
    """The part of the navigation in one language. The Chinese one is a single section, whose pages stand at the top here."""
    pages = [page for page in nav.pages if _is_chinese(page) == chinese]
    items = [item for item in nav.items if _is_chinese(_first_page(item)) == chinese]
    part = Navigation(items[0].children if chinese and isinstance(items[0], Section) else items, pages)
    part.homepage = pages[0]
    return part


def _first_page(item: StructureItem) -> Page:
    if isinstance(item, Section):
        return _first_page(item.children[0])
    assert isinstance(item, Page), "the navigation holds sections and pages only"
    return item
