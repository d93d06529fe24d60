"""Pages of the site that live outside docs/, and links that lead out of it.

The pages are written for a code host, where `../benchmarks/README.md` is a file like any other. Here the README files named below become
pages of the site, and links follow them. A link to any other file of the repository becomes plain text: the site has nothing to lead to.
"""

from __future__ import annotations

import posixpath
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

ROOT = Path(__file__).parents[2]

PAGES = {
    "CHANGELOG.md": "project/changelog.md",
    "CONTRIBUTING.md": "project/contributing.md",
    "benchmarks/README.md": "project/benchmarks.md",
    "examples/README.md": "project/examples.md",
    "recipes/embedded/README.md": "project/recipe.md",
    "src/adjudge/models/embedded/README.md": "project/model.md",
}
"""Files of the repository that are pages of the site: path in the repository, path in the site."""

HOMES = {"README.md": "index.md", "README.zh-CN.md": "zh/index.md"}
"""Files whose place another page of the site takes."""

_LINK = re.compile(r"\[(?P<text>[^\]\n]*)\]\((?P<path>[^)#\s:]+)(?P<anchor>#[^)\s]*)?\)")


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages that live elsewhere."""
    for path, uri in PAGES.items():
        files.append(File.generated(config, uri, abs_src_path=str(ROOT / path)))
    return files


def on_page_markdown(markdown: str, page: Page, config: MkDocsConfig, files: Files) -> str:
    """Rewrite the links of a page that leave docs/, and those of a page that came from outside."""
    return rewrite(markdown, page.file.src_uri)


def rewrite(markdown: str, uri: str) -> str:
    """`markdown` of the page at `uri` of the site, with every link to a file of the repository made one of the site, or plain text."""
    home = next((path for path, page in PAGES.items() if page == uri), f"docs/{uri}")

    def replaced(link: re.Match[str]) -> str:
        path = posixpath.normpath(posixpath.join(posixpath.dirname(home), link["path"]))
        if not (ROOT / path).exists():
            return link[0]  # no file: a mistake, which the strict build tells, or no link at all but code
        target = _place(path)
        if target is None:
            return link["text"]
        relative = posixpath.relpath(target, posixpath.dirname(uri))
        return f"[{link['text']}]({relative}{link['anchor'] or ''})"

    return _LINK.sub(replaced, markdown)


def _place(path: str) -> str | None:
    """Where a file or folder of the repository is on the site, if it is there."""
    for known in (path, f"{path}/README.md"):
        if known in PAGES or known in HOMES:
            return PAGES.get(known) or HOMES[known]
    return path.removeprefix("docs/") if path.startswith("docs/") else None
