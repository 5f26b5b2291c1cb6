import time

import pytest

from services.rag.text import readable, title


@pytest.mark.parametrize(
    ("path", "text", "expected"),
    [
        ("a.md", "intro\n\n# The  title ##  \n\n# Second", "The  title"),
        ("a.md", "#\n\nno heading\n# \t \n", "a.md"),
        ("a.md", "## Only a second level\n#hashtag", "a.md"),
        ("a.md", "# C# and F#", "C# and F#"),
        ("dir/a.md", "", "a.md"),
        ("dir/a.pdf", None, "a.pdf"),
        ("a.html", "<TITLE lang=en>\n The page </TITLE>", "The page"),
        ("a.html", "<title>Q&amp;A</title>", "Q&A"),
        ("a.html", "<p>no title", "a.html"),
        ("a.txt", "\n\n  First line \nsecond", "First line"),
        ("a.txt", "  \n ", "a.txt"),
        ("a.yaml", "# a comment", "a.yaml"),
        ("a.md", f"# {'x' * 300}", "x" * 200),
    ],
)
def test_a_document_is_called_what_it_calls_itself(path: str, text: str | None, expected: str) -> None:
    assert title(path, text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("<p>One</p><p>two &amp; three</p>", "One two & three"),
        ("<style>p {}</style>a<script>let b = '<p>';</script>c", "a c"),
        ("a</script>b</style>c", "a b c"),
        ("<!DOCTYPE html><!-- not seen -->seen", "seen"),
        ("text &lt; <b>bold", "text < bold"),
        ("<p>Tom & Jerry of AT&T", "Tom & Jerry of AT&T"),
    ],
)
def test_a_reader_sees_html_without_its_tags(text: str, expected: str) -> None:
    assert readable("a.html", text) == expected


@pytest.mark.parametrize(
    ("path", "text"), [("a.md", "# a" + " " * 200_000 + "b"), ("a.md", "#  " * 70_000), ("a.html", "<title>" * 30_000)]
)
def test_no_text_takes_longer_than_its_length(path: str, text: str) -> None:
    started = time.perf_counter()
    title(path, text)
    assert time.perf_counter() - started < 1


def test_other_text_is_read_as_it_is() -> None:
    assert readable("a.md", "a <b> & c\n") == "a <b> & c\n"
    assert readable("a.pdf", None) == ""


def test_html_that_pythons_parser_gives_up_on_is_read_as_it_is() -> None:
    assert readable("a.html", "<![broken[ text") == "<![broken[ text"
