"""Pages as text: what is shown and nothing else, with its structure; old, broken and enormous pages too."""

from __future__ import annotations

from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from adjudge.retrieval.reading import Source
from adjudge.retrieval.reading.file import File
from adjudge.retrieval.reading.html import read_html
from adjudge.retrieval.reading.source import Reason, Skipped
from tests.retrieval.reading.one_file import read_one, refused
from tests.retrieval.reading.structured_texts import PARAGRAPHS, uncovered

PAGE = """<!DOCTYPE html>
<html lang="fr"><head><title>Pompe à
 chaleur</title><style>p {color: red}</style><script>var hidden = "<p>no</p>";</script></head>
<body><nav><a href="/">Accueil</a></nav><header>Entête</header>
<main>
<h1>La <em>pompe</em><a class="headerlink" href="#x">¶</a></h1>
<p>Elle est
   <b>pe</b>tite&nbsp;&amp; calme.<!-- not this --><br>Vraiment.</p>
<div hidden>caché</div><p aria-hidden="true">aussi</p>
<h2>Étapes</h2>
<ol start="3"><li>Unité <i>extérieure</i></li><li><p>Tuyaux</p><p>isolés</p><ul><li>cuivre</li></ul></li><li>Courant</li></ol>
<dl><dt>kW</dt><dd>puissance</dd></dl>
<table><caption>Modèles</caption><tr><th>nom</th><th>kW</th></tr><tr><td><p>HP|1</p></td><td>1,5</td></tr></table>
<pre>def warm():
    <b>return</b> 1
</pre>
<img alt="photo de la pompe" src="x.png">
</main><footer>Pied</footer></body></html>"""


def page(content: str) -> Source:
    found = read_html(File(path=Path("a.html"), name="a.html", format="html"), content.encode())
    assert isinstance(found, Source)
    assert uncovered(found.text, [(block.start, block.end) for block in found.blocks]) == ""
    return found


def test_a_page_is_read_as_it_is_shown(tmp_path: Path) -> None:
    source = read_one(tmp_path, "a.html", PAGE)
    parts = [(block.kind, source.text[block.start : block.end]) for block in source.blocks]
    assert parts == [
        ("heading", "La pompe"),
        ("prose", "Elle est petite & calme.\nVraiment."),
        ("heading", "Étapes"),
        ("prose", "3. Unité extérieure"),
        ("prose", "4. Tuyaux"),
        ("prose", "isolés"),
        ("prose", "- cuivre"),
        ("prose", "5. Courant"),
        ("prose", "kW"),
        ("prose", "puissance"),
        ("table", "Modèles\nnom | kW\nHP/1 | 1,5"),
        ("code", "def warm():\n    return 1"),
        ("prose", "photo de la pompe"),
    ]
    assert source.metadata == {"title": "Pompe à chaleur", "language": "fr"}
    assert [(block.level, block.title) for block in source.blocks if block.level] == [(1, "La pompe"), (2, "Étapes")]


def test_without_a_heading_the_title_stands_above() -> None:
    assert page("<title>Pumps</title><p>They warm.").text == "Pumps\n\nThey warm."
    assert page("<p>They warm.").text == "They warm."


def test_ends_that_old_pages_leave_out() -> None:
    assert page("<ul><li>a<li>b<ol><li>c<li>d</ol><li>e</ul>").text == "- a\n\n- b\n\n1. c\n\n2. d\n\n- e"
    assert page("<table><tr><td>a<td>b<tr><td>c<td>d</table>after").text == "a | b\nc | d\n\nafter"
    assert page("<p>one<p>two").text == "one\n\ntwo"


def test_tables_that_lay_out_a_page_are_no_tables() -> None:
    source = page("<table><tr><td><h2>Left</h2><p>text</td><td><table><tr><td>1</td><td>2</td></tr></table></td></tr></table>")
    assert source.text == "Left\n\ntext\n\n1 | 2"


def test_several_or_no_main_parts() -> None:
    assert page("<div>a</div><div role=main>b</div><div>c</div>").text == "b"
    assert page("<main>a</main><p>b</p><main>c</main>").text == "a\n\nb\n\nc"


@pytest.mark.parametrize("encoding", ["utf-16", "UTF-16LE", "utf-32"])
def test_a_page_that_names_utf_16_in_ascii_is_not_in_it(tmp_path: Path, encoding: str) -> None:
    for text in ("A pump.", "A pump"):
        assert read_one(tmp_path, "a.html", f'<meta charset="{encoding}"><p>{text}').text == text
        xhtml = f'<?xml version="1.0" encoding="{encoding}"?><html><body><p>{text}</p></body></html>'
        assert read_one(tmp_path, "b.xhtml", xhtml).text == text


@pytest.mark.parametrize("encoding", ["gb18030", "windows-1251", "shift_jis"])
def test_the_encoding_that_a_page_names(tmp_path: Path, encoding: str) -> None:
    text = {"gb18030": "热泵", "windows-1251": "Насос", "shift_jis": "ポンプ"}[encoding]
    for declaration in (f'<meta charset="{encoding}">', f'<meta http-equiv=Content-Type content="text/html; charset={encoding}">'):
        source = read_one(tmp_path, "a.html", f"{declaration}<p>{text}".encode(encoding))
        assert (source.text, source.notes) == (text, ())
    xhtml = f'<?xml version="1.0" encoding="{encoding}"?>\n<html xmlns="http://www.w3.org/1999/xhtml"><body><p>{text}</p></body></html>'
    assert read_one(tmp_path, "b.xhtml", xhtml.encode(encoding)).text == text


@pytest.mark.parametrize("text", ["http://example.org/a.html", "readme.txt", "<?xml version='1.0'?><root>x</root>", "just words"])
def test_what_is_hardly_a_page(tmp_path: Path, text: str) -> None:
    assert read_one(tmp_path, "a.html", text).text == text.replace("<?xml version='1.0'?><root>x</root>", "x")


def test_a_page_of_nothing_is_empty(tmp_path: Path) -> None:
    assert refused(tmp_path, "a.html", "<html><script>let x</script><nav>menu</nav></html>").reason == "empty"


@pytest.mark.parametrize("tag", ["div", "p", "li", "ol", "td", "table", "b", "pre", "h1"])
def test_pages_nested_deeper_than_python_recurses(tag: str) -> None:
    assert "the end" in page(f"<{tag}>" * 3000 + "the end").text


TAGS = st.sampled_from(
    [
        "<p>",
        "</p>",
        "<table>",
        "<tr>",
        "<td>",
        "</table>",
        "<pre>",
        "</pre>",
        "<h2>",
        "</h2>",
        "<ul>",
        "<li>",
        "</ul>",
        "<br>",
        "<![x",
        "<!--",
    ]
)
WORDS = st.sampled_from([f"w{n}" for n in range(9)])


@settings(max_examples=150, deadline=None)
@given(st.lists(TAGS.filter(lambda tag: not tag.startswith("<!")) | WORDS, max_size=30))
def test_no_word_is_lost_or_said_twice(parts: list[str]) -> None:
    words = [part for part in parts if not part.startswith("<")]
    found = page(" ".join(parts)).text.replace("|", " ").split()
    assert [word for word in found if word.startswith("w")] == words


@settings(max_examples=100, deadline=None)
@given(st.lists(TAGS | st.text(max_size=8), max_size=20).map("".join))
def test_anything_is_read_or_refused(text: str) -> None:
    found = read_html(File(path=Path("a.html"), name="a.html", format="html"), text.encode("utf-8", "replace"))
    if isinstance(found, Skipped):
        assert found.reason in get_args(Reason)
        return
    assert found.text == found.text.strip()  # it may be empty: read_source() says that of every kind of file
    assert all(0 <= block.start < block.end <= len(found.text) for block in found.blocks)


def test_languages(tmp_path: Path) -> None:
    for language, paragraph in PARAGRAPHS.items():
        source = read_one(tmp_path, "a.html", f'<html lang="{language}"><p>{paragraph}')
        assert source.text == " ".join(paragraph.split())
        assert source.metadata["language"] == language
