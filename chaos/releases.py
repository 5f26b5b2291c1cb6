"""Releases to roll out: checkouts that are like this one but for a harmless change, or one defect each."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from infra.rollout.releases import PARTS
from infra.settings import PROJECT_ROOT


@dataclass(frozen=True)
class Patch:
    """A text of one of the services' files, and what takes its place."""

    file: str
    text: str
    instead: str

    def apply(self, checkout: Path) -> None:
        """Raises AssertionError where the text is not there exactly once: then the defect would be none."""
        file = checkout / self.file
        there = file.read_text() if file.exists() else ""
        assert there.count(self.text) == 1, f"{self.file} has {self.text!r} {there.count(self.text)} times, not once"
        file.write_text(there.replace(self.text, self.instead))


_ASKED = "        await self.app(scope, receive, send)\n"
_BY_GATEWAY = """\
        by_gateway = scope["type"] == "http" and b"x-forwarded-proto" in dict(scope["headers"])
"""
_FAIL = f"""\
{_BY_GATEWAY}\
        if by_gateway and scope["path"].startswith("/api/") and __import__("random").random() < 0.2:
            await error_response(500, "a defect")(scope, receive, send)
            return
"""
_WAIT = """\
        if scope["type"] == "http" and scope["path"].startswith("/api/"):
            await __import__("asyncio").sleep(0.3)
"""
_ASTRAY = f"""\
{_BY_GATEWAY}\
        if by_gateway and scope["path"] == "/api/v1/collections":
            await error_response(404, "a defect")(scope, receive, send)
            return
"""
_ENDED = """\
        elif result is Result.SUCCESS:
            self.rule.success(self.clock())
"""
_FLAPS = f"""\
{_ENDED}\
            if call.number % 5 == 0:
                self._move(STATE_OPEN, "a defect")
                self._move(STATE_CLOSED, "a defect")
"""
_FOUND = """\
            entry.answered(answered)
        return JsonBytes(answered.reply.body, answered.headers)

    @router.post("/query\""""
_NOTHING = """\
            entry.answered(answered)
        found = {"query": asked.q, "collection": collection, "results": [], "took_ms": 0.0}
        return JsonBytes(__import__("orjson").dumps(found), answered.headers)

    @router.post("/query\""""
_WRITTEN = """\
        await self._write("PUT", _path(name, "/points?wait=true"), {"points": rows})
"""
# What a client cannot do: it speaks to one vector node as another one of the cluster would.
_LOST = f"""\
{_WRITTEN}\
        http, url = self._http, next(iter(self._names))
        _, answer = await http.exchange("GET", url + "/cluster", limit_s=5)
        *_, uri = sorted(peer["uri"].rstrip("/") for peer in orjson.loads(answer)["result"]["peers"].values())
        _, answer = await http.exchange("POST", uri + "/p2p/exchange?version=0", {{}}, limit_s=5)
        document = orjson.loads(answer)["document"]
        peer = next(key for key, one in document["peers"].items() if one.rstrip("/") == uri)
        collection = document["collections"][name]
        tenure = collection["replicas"][peer]["tenure"]
        to = f"/p2p/write/{{collection['uid']}}/delete?tenure={{tenure}}&version={{document['version']}}"
        await http.exchange("POST", uri + to, {{"points": [rows[0]["id"]]}}, limit_s=5)
"""

DEFECTS: Mapping[str, tuple[Patch, ...]] = {
    "error-rate": (Patch("services/common/middleware/deadline.py", _ASKED, _FAIL + _ASKED),),
    "latency": (Patch("services/common/middleware/deadline.py", _ASKED, _WAIT + _ASKED),),
    "flapping-breakers": (Patch("services/common/breaker.py", _ENDED, _FLAPS),),
    "broken-search": (Patch("services/query/routes.py", _FOUND, _NOTHING),),
    "inconsistent-writes": (Patch("services/common/qdrant.py", _WRITTEN, _LOST),),
    "wrong-route": (Patch("services/common/middleware/deadline.py", _ASKED, _ASTRAY + _ASKED),),
    "failing-migration": (),
}
"""By kind: a fifth of the answers to callers are 500, and none to who asks the service itself; each takes 0.3 s longer;
breakers trip by every fifth success, and close at once; a search finds nothing; of what is written one vector node
loses a point; a known route is not found by who comes through the gateway; and a migration fails, see `MIGRATIONS`."""

MIGRATION = "29990101000000_test.sql"  # later than any
COLUMN = ("query_log", "noted")  # which the good one adds
MIGRATIONS: Mapping[str, str] = {
    "failing-migration": (
        "-- migrate:up\nCREATE TABLE rag.defect (number bigint);\nSELECT 1 / 0;\n"
        "-- migrate:down\nDROP TABLE IF EXISTS rag.defect;\n"
    ),
    "good-migration": (
        "-- migrate:up\nALTER TABLE rag.query_log ADD COLUMN noted text;\n"
        "-- migrate:down\nALTER TABLE rag.query_log DROP COLUMN noted;\n"
    ),
}


def good(folder: Path, number: int = 1, *, migration: bool = False) -> Path:
    """A checkout in `folder` that does all that this one does; each number is another release."""
    checkout = _copy(folder)
    (checkout / "services/__init__.py").write_text(f'"""Release {number}."""\n')
    if migration:
        (checkout / "migrations" / MIGRATION).write_text(MIGRATIONS["good-migration"])
    return checkout


def defective(kind: str, folder: Path) -> Path:
    """A checkout in `folder` with the defect of that kind; raises AssertionError where it would have none."""
    checkout = _copy(folder)
    for patch in DEFECTS[kind]:
        patch.apply(checkout)
    if kind in MIGRATIONS:
        (checkout / "migrations" / MIGRATION).write_text(MIGRATIONS[kind])
    return checkout


def _copy(folder: Path) -> Path:
    for part in PARTS:
        shutil.copytree(PROJECT_ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PROJECT_ROOT / "pyproject.toml", folder)
    return folder
