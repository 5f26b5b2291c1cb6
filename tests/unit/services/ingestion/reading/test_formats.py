import io
import zipfile

import pytest
from pypdf import PdfWriter
from pypdf.generic import DecodedStreamObject, DictionaryObject, NameObject

from services.ingestion.reading import docx as docx_module
from services.ingestion.reading import formats
from services.ingestion.reading.content import Content, Part, UnreadableError
from services.ingestion.reading.docx import docx
from services.ingestion.reading.formats import Wanted, read
from services.ingestion.reading.html import html
from services.ingestion.reading.markdown import markdown
from services.ingestion.reading.pdf import pdf
from services.ingestion.reading.plain import code, text


def pdf_file(*pages: str, password: str | None = None, title: str | None = None) -> bytes:
    writer = PdfWriter()
    font = DictionaryObject({NameObject("/Type"): NameObject("/Font"), NameObject("/Subtype"): NameObject("/Type1")})
    font[NameObject("/BaseFont")] = NameObject("/Helvetica")
    fonts = DictionaryObject({NameObject("/F1"): font})
    for said in pages:
        page = writer.add_blank_page(300, 300)
        stream = DecodedStreamObject()
        stream.set_data(f"BT /F1 12 Tf 10 100 Td ({said}) Tj ET".encode())
        page[NameObject("/Contents")] = stream
        page[NameObject("/Resources")] = DictionaryObject({NameObject("/Font"): fonts})
    if title:
        writer.add_metadata({"/Title": title})
    if password is not None:
        writer.encrypt(password, algorithm="RC4-128")
    file = io.BytesIO()
    writer.write(file)
    return file.getvalue()


def docx_file(body: str) -> bytes:
    file = io.BytesIO()
    space = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="{space}">{body}</w:document>')
    return file.getvalue()


def paragraph(said: str, style: str = "") -> str:
    return f'<w:p><w:pPr><w:pStyle w:val="{style}"/></w:pPr><w:r><w:t>{said}</w:t></w:r></w:p>'


def test_markdown_is_cut_at_its_headings_and_titled_by_the_first() -> None:
    found = markdown(b"# The *title*\nIntro.\n\n## Use `it`\nHow.\n### Deeper ###\nMore.\n## Next\nEnd.\n")
    assert found == Content(
        [
            Part("Intro."),
            Part("How.", "Use it"),
            Part("More.", "Use it > Deeper"),
            Part("End.", "Next"),
        ],
        "The *title*",
    )


def test_front_matter_gives_the_title_and_is_left_out() -> None:
    found = markdown(b"---\ntitle: 'Declared'\ntags: [a]\n---\n# Heading\nText.\n")
    assert found == Content([Part("Text.")], "Declared")
    assert markdown(b"---\ntags: [a]\n---\nText.\n") == Content([Part("Text.")], None)


def test_comments_images_and_addresses_are_left_out_but_not_of_code() -> None:
    block = "\n```\n# no heading [a](b)\n```\n~~~\n```\n# nor this\n~~~\nEnd."
    (part,) = markdown(b"A <!-- hidden -->[link](http://x) ![alt](a.png)" + block.encode()).parts
    assert part.text == f"A link {block}"


def test_underlined_headings_are_headings_and_table_rulers_are_not() -> None:
    found = markdown(b"Title\n=====\nText.\n\nSection\n-------\nMore.\n\n| a |\n---\n- item\n---\n")
    assert (found.title, [part.section for part in found.parts]) == ("Title", [None, "Section"])
    assert "| a |" in found.parts[1].text


def test_html_shows_what_a_browser_shows() -> None:
    page = b"""<html><head><title> The
        title </title><style>p {}</style></head><body><!-- no --><script>x()</script>
        <h1>Heading</h1><p>One <b>bold</b>
        word.</p><h2>Part</h2><ul><li>first</li><li>second</li></ul><h2></h2>
        <table><tr><th>a</th><th>b</th></tr><tr><td>1</td><td>2</td></tr></table><pre>x
  y</pre>tail</body></html>"""
    assert html(page) == Content(
        [
            Part("One bold word."),
            Part("first\nsecond\na | b\n1 | 2\nx\n  y\ntail", "Part"),
        ],
        "The title",
    )


def test_html_without_a_title_is_titled_by_its_heading() -> None:
    assert html(b"<h1>Heading</h1><p>Text</p>") == Content([Part("Text")], "Heading")


def test_pdf_pages_keep_their_numbers() -> None:
    found = pdf(pdf_file("One page", "", "Third page", title="Declared"))
    assert found == Content([Part("One page", page=1), Part("Third page", page=3)], "Declared")


def test_a_pdf_that_only_forbids_printing_is_read() -> None:
    assert pdf(pdf_file("Text", password="")).parts == [Part("Text", page=1)]


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"%PDF-1.7 nothing more", "cannot be read as PDF: "),
        (pdf_file("Text")[:200], "cannot be read as PDF: "),
        (pdf_file("Text", password="secret"), "is protected by a password"),
        (pdf_file(""), "holds no text"),
    ],
)
def test_a_pdf_that_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        pdf(data)


def test_word_documents_give_sections_paragraphs_and_tables_in_order() -> None:
    row = "<w:tr><w:tc><w:p><w:r><w:t>a</w:t></w:r></w:p></w:tc><w:tc><w:p><w:r><w:t>b</w:t></w:r></w:p></w:tc></w:tr>"
    wrapped = f"<w:sdt><w:sdtContent>{paragraph('Inside.')}</w:sdtContent></w:sdt>"
    body = paragraph("The title", "Title") + paragraph("Intro.") + paragraph("Part", "Heading1") + paragraph("Text.")
    found = docx(docx_file(f"<w:body>{body}<w:tbl>{row}</w:tbl>{wrapped}<w:p/></w:body>"))
    assert found == Content([Part("Intro."), Part("Text.\na | b\nInside.", "Part")], "The title")
    assert docx(docx_file("")).parts == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"PK no zip", "cannot be read as Word document: BadZipFile"),
        (docx_file("<w:body>"), "cannot be read as Word document: ParseError"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1...", "is protected by a password, or an old .doc"),
    ],
)
def test_a_word_document_that_cannot_be_read_says_why(data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        docx(data)


def test_a_word_document_that_unpacks_without_end_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(docx_module, "LARGEST_XML", 100)
    with pytest.raises(UnreadableError, match="unpacks to more than"):
        docx(docx_file("<w:body/>" * 100))


@pytest.mark.parametrize(
    ("source", "title"),
    [
        ("A title\n\nText", "A title"),
        ("Title\n=====\nText", "Title"),
        ("= Title\n\nText", "Title"),
        ("A sentence\nthat goes on", None),
        ("x" * 101 + "\n\nText", None),
    ],
)
def test_plain_text_is_titled_by_a_first_line_that_stands_alone(source: str, title: str | None) -> None:
    assert text(source.encode()) == Content([Part(source)], title)


def test_line_ends_and_byte_order_marks_are_normalised() -> None:
    assert code(b"\xef\xbb\xbfa\r\nb\rc").parts == [Part("a\nb\nc")]


@pytest.mark.parametrize(
    ("data", "reason"), [(b"ab\xe4c", "is not UTF-8: byte 2 is 0xe4"), (b"a\0b", "is not text: it contains NUL bytes")]
)
@pytest.mark.parametrize("kind", ["markdown", "html", "text", "code"])
def test_text_that_is_no_utf8_is_refused_with_the_place(kind: str, data: bytes, reason: str) -> None:
    with pytest.raises(UnreadableError, match=reason):
        read(Wanted("a.x", kind, 64, 8), data)


def test_a_document_without_a_title_is_called_by_its_file_name() -> None:
    found = read(Wanted("tools/run.py", "code", 64, 8), b"print(1)\n")
    assert (found.title, [(chunk.text, chunk.context) for chunk in found.chunks]) == (
        "run.py",
        [("print(1)", "run.py")],
    )


def test_what_no_database_can_hold_is_taken_out() -> None:
    assert formats.clean("a\0b\ud800c") == "ab?c"


def test_more_text_than_a_document_may_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(formats, "LARGEST_TEXT", 10)
    with pytest.raises(UnreadableError, match="cut it into several documents"):
        read(Wanted("a.txt", "text", 64, 8), b"eleven char")
