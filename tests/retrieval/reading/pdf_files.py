"""PDF files made by hand: a page for each text, in any script, an outline, a title. No library for writing them is needed."""

from __future__ import annotations

import io
from collections.abc import Sequence

__all__ = ["encrypted_pdf", "make_pdf"]


def make_pdf(pages: Sequence[str], *, outline: Sequence[tuple[str, int]] = (), title: str = "") -> bytes:
    """`outline`: (title, page from 0). Characters are the codes of a font that has no glyphs, only a map back to text."""
    count = len(pages)
    first_page, first_content = 6, 6 + count
    first_entry = first_content + count
    kids = " ".join(f"{first_page + i} 0 R" for i in range(count))
    ends = f"/First {first_entry} 0 R /Last {first_entry + len(outline) - 1} 0 R" if outline else ""
    objects = [
        f"<< /Type /Catalog /Pages 2 0 R {'/Outlines 5 0 R' if outline else ''} >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {count} >>",
        "<< /Type /Font /Subtype /Type0 /BaseFont /F /Encoding /Identity-H /ToUnicode 4 0 R /DescendantFonts [<< /Type /Font "
        "/Subtype /CIDFontType2 /BaseFont /F /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 500 >>] >>",
        _stream(_map(sorted(set("".join(pages))))),
        f"<< /Type /Outlines {ends} /Count {len(outline)} >>",
        *(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 600 800] /Resources << /Font << /F1 3 0 R >> >> "
            f"/Contents {first_content + i} 0 R >>"
            for i in range(count)
        ),
        *(_stream(_drawn(page)) for page in pages),
        *(_entry(i, outline, first_entry, first_page) for i in range(len(outline))),
        f"<< /Title {_hex(title)} >>",
    ]
    return _written(objects)


def encrypted_pdf(pages: Sequence[str], password: str) -> bytes:
    """The same, opening only with `password`, unless that is empty."""
    from pypdf import PdfReader, PdfWriter

    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(make_pdf(pages))))
    writer.encrypt(user_password=password, owner_password="owner", algorithm="RC4-128")
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def _stream(content: str) -> str:
    return f"<< /Length {len(content.encode())} >>\nstream\n{content}\nendstream"


def _drawn(page: str) -> str:
    lines = (f"<{''.join(f'{ord(c):04x}' for c in line)}> Tj T*" for line in page.split("\n"))
    return "BT /F1 10 Tf 12 TL 50 750 Td " + "\n".join(lines) + " ET"


def _map(characters: Sequence[str]) -> str:
    pairs = "\n".join(f"<{ord(c):04x}> <{ord(c):04x}>" for c in characters if c != "\n")
    begin = "/CIDInit /ProcSet findresource begin begincmap 1 begincodespacerange <0000> <ffff> endcodespacerange"
    return f"{begin}\n1 beginbfchar\n{pairs}\nendbfchar endcmap end"


def _entry(index: int, outline: Sequence[tuple[str, int]], first_entry: int, first_page: int) -> str:
    title, page = outline[index]
    beside = f"/Next {first_entry + index + 1} 0 R" if index + 1 < len(outline) else ""
    beside += f" /Prev {first_entry + index - 1} 0 R" if index else ""
    return f"<< /Title {_hex(title)} /Parent 5 0 R {beside} /Dest [{first_page + page} 0 R /Fit] >>"


def _hex(text: str) -> str:
    return f"<feff{text.encode('utf-16-be').hex()}>"


def _written(objects: Sequence[str]) -> bytes:
    out = b"%PDF-1.7\n"
    places = []
    for number, content in enumerate(objects, 1):
        places.append(len(out))
        out += f"{number} 0 obj\n{content}\nendobj\n".encode()
    table = "".join(f"{place:010d} 00000 n \n" for place in places)
    size = len(objects) + 1
    tail = f"xref\n0 {size}\n0000000000 65535 f \n{table}"
    tail += f"trailer << /Size {size} /Root 1 0 R /Info {size - 1} 0 R >>\nstartxref\n{len(out)}\n%%EOF\n"
    return out + tail.encode()
