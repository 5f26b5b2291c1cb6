from pathlib import Path

import httpx
import pytest

from services.rag.main import build
from services.rag.settings import RagSettings
from tests.servers import REFUSING, client
from tests.unit.services.rag.conftest import HTML, VISIBLE, Service

JSON = {"accept": "application/json"}
OUT_OF_RANGE = [
    ("?offset=-1", "offset"),
    ("?limit=0", "limit"),
    ("?limit=1001", "limit"),
    (f"?offset={2**63}", "offset"),
    ("/search", "q"),
    ("/search?q=%20", "q"),
    ("/search?q=a%00", "q"),
    (f"/search?q={'x' * 501}", "q"),
    ("/search?q=x&limit=101", "limit"),
]
CANNOT_BE_READ = [
    "nothing.md",
    "decisions",
    "../outside.md",
    "%2e%2e/outside.md",
    "..%2foutside.md",
    "decisions/%2e%2e/%2e%2e/outside.md",
    "/etc/passwd",
    "%2Fetc%2Fpasswd",
    "up/outside.md",
    "out.md",
    "loop.md",
    ".hidden.md",
    ".git/config.md",
    "to-hidden.md",
    "a%00b",
    "",
]


async def test_the_documents_are_listed_by_path(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs")
    assert answer.status_code == 200
    body = answer.json()
    assert [document["path"] for document in body["documents"]] == VISIBLE
    assert (body["total"], body["offset"], body["limit"]) == (7, 0, 100)
    assert set(body["documents"][0]) == {"path", "title", "size", "modified", "format"}


async def test_a_page_of_the_list(service: Service) -> None:
    body = (await service.http.get("/api/v1/docs?offset=1&limit=2")).json()
    assert [document["path"] for document in body["documents"]] == VISIBLE[1:3]
    assert (body["total"], body["offset"], body["limit"]) == (7, 1, 2)


async def test_what_is_out_of_range_is_400_and_named(service: Service, subtests: pytest.Subtests) -> None:
    for query, named in OUT_OF_RANGE:
        with subtests.test(query=query):
            answer = await service.http.get(f"/api/v1/docs{query}")
            assert (answer.status_code, answer.json()["error"]) == (400, "Bad Request")
            assert answer.json()["detail"].startswith(f"{named}: ")


async def test_words_are_searched_in_the_files(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs/search", params={"q": " visible word ", "limit": 1})
    body = answer.json()
    assert (answer.status_code, body["query"]) == (200, "visible word")
    assert body["took_ms"] >= 0
    (result,) = body["results"]
    assert result.pop("score") > 0
    assert result == {"path": "page.html", "title": "The page", "format": "html", "snippet": "The page Visible word"}


async def test_a_document_is_delivered_as_it_is(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs/page.html")
    assert (answer.status_code, answer.text) == (200, HTML)
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-disposition"] == 'inline; filename="page.html"'
    assert answer.headers["content-length"] == str(len(HTML))


async def test_a_binary_document_too(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs/paper.pdf", headers={"accept": "*/*"})
    assert answer.content == b"%PDF-1.4 \xff\xfe portOffset"
    assert answer.headers["content-type"] == "application/pdf"


async def test_a_name_beyond_ascii(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs/Ünïcode name.md")
    assert answer.text == "# Größe\n"
    assert answer.headers["content-disposition"] == "inline; filename*=utf-8''%C3%9Cn%C3%AFcode%20name.md"


async def test_with_accept_json_a_document_is_its_text_and_what_is_known_of_it(service: Service) -> None:
    answer = await service.http.get("/api/v1/docs/notes.txt", headers=JSON)
    assert answer.json() == {
        "path": "notes.txt",
        "title": "First line",
        "size": 37,
        "modified": "1970-01-02T00:00:00+00:00",
        "format": "text",
        "content": "\n First line\nportOffset is a setting\n",
    }
    listed = (await service.http.get("/api/v1/docs")).json()["documents"]
    assert {key: value for key, value in answer.json().items() if key != "content"} in listed


async def test_the_text_of_a_binary_document_is_null(service: Service) -> None:
    body = (await service.http.get("/api/v1/docs/paper.pdf", headers=JSON)).json()
    assert (body["content"], body["title"], body["format"]) == (None, "paper.pdf", "pdf")


async def test_no_document_runs_scripts_or_passes_for_something_else(service: Service) -> None:
    for headers in ({}, JSON):
        answer = await service.http.get("/api/v1/docs/page.html", headers=headers)
        assert answer.headers["content-security-policy"] == "sandbox"
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["vary"] == "Accept"


@pytest.mark.parametrize("headers", [{}, JSON])
async def test_what_is_no_document_is_404_and_told_like_what_does_not_exist(
    service: Service, headers: dict[str, str], subtests: pytest.Subtests
) -> None:
    for path in CANNOT_BE_READ:
        with subtests.test(path=path):
            request = service.http.build_request("GET", "/", headers=headers)
            request.url = request.url.copy_with(raw_path=f"/api/v1/docs/{path}".encode())  # not resolved by the client
            answer = await service.http.send(request)
            assert (answer.status_code, answer.json()["error"]) == (404, "Not Found")
            assert "secret" not in answer.text


async def test_a_part_of_a_document_is_not_to_be_had(service: Service) -> None:
    for asked in ("bytes=0-1", "bytes=90000-", "nonsense"):
        answer = await service.http.get("/api/v1/docs/page.html", headers={"range": asked})
        assert (answer.status_code, answer.text) == (200, HTML)
        assert answer.headers["accept-ranges"] == "none"


async def test_without_its_folder_the_list_is_503_and_the_service_unready(tmp_path: Path) -> None:
    told = {"inter_service_secret": "s", "docs_root": tmp_path / "none", "query_url": REFUSING}
    async with client(build(RagSettings.model_validate(told))) as http:
        listed, ready = await http.get("/api/v1/docs"), await http.get("/ready")
    assert (listed.status_code, listed.headers["retry-after"]) == (503, "2")
    assert listed.json()["detail"] == "the folder of the documents is missing"
    assert (ready.status_code, ready.json()["dependencies"]["documents"]["ok"]) == (503, False)


async def test_older_paths_answer_the_same(service: Service) -> None:
    older: httpx.Response = await service.http.get("/api/docs/decisions/quorum.md")
    assert older.text == "Intro\n\n# Quorum #\n\nWhy two of three nodes must agree.\n"
    assert older.headers["link"] == '</api/v1/docs/decisions/quorum.md>; rel="successor-version"'
    assert (await service.http.get("/api/docs")).json()["total"] == 7
