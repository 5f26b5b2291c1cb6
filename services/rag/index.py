"""The documents' list and full-text index: SQLite's FTS5 over the files, brought up to date when they change."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from services.common.errors import NotFoundError
from services.rag.documents import File, kind, read, walk
from services.rag.text import readable, title

FRESH_S = 1.0  # the folder is looked through again when the last time was longer ago

_SCHEMA = """
CREATE TABLE files (path TEXT PRIMARY KEY, title TEXT, size INT, modified TEXT, format TEXT) WITHOUT ROWID;
CREATE VIRTUAL TABLE texts USING fts5(path, title, body, tokenize = "unicode61 remove_diacritics 2");
"""
_SEARCH = """
SELECT path, title, round(-bm25(texts, 4, 4, 1), 4), snippet(texts, 2, '', '', '…', 32)
FROM texts WHERE texts MATCH ? ORDER BY bm25(texts, 4, 4, 1), path LIMIT ?
"""


class Index:
    """Blocking and thread-safe: one thread at a time works on it. It lives in a temporary file that SQLite removes."""

    def __init__(self, root: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.root = root
        self._clock = clock
        self._looked_at = float("-inf")
        self._seen: dict[str, File] = {}
        self._lock = threading.Lock()
        self._db = sqlite3.connect("", check_same_thread=False)
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Forget everything, when whoever works on it is done."""
        with self._lock:
            self._db.close()

    def page(self, offset: int, limit: int) -> tuple[int, list[dict[str, Any]]]:
        """How many documents there are, and those from `offset` on, by path; raises UnavailableError without a root."""
        with self._lock:
            self._refresh()
            rows = self._db.execute(
                "SELECT path, title, size, modified, format FROM files ORDER BY path LIMIT ? OFFSET ?", (limit, offset)
            )
            keys = [column[0] for column in rows.description]
            return len(self._seen), [dict(zip(keys, row, strict=True)) for row in rows]

    def search(self, query: str, limit: int) -> list[dict[str, Any]]:
        """The documents with all words of the query, or else with any of them, best first."""
        words = ['"' + word.replace('"', '""') + '"' for word in query.split() if any(map(str.isalnum, word))]
        with self._lock:
            self._refresh()
            rows = self._match(" AND ".join(words), limit) or self._match(" OR ".join(words), limit)
        return [
            {"path": path, "title": title, "format": kind(path)[0], "score": score, "snippet": snippet}
            for path, title, score, snippet in rows
        ]

    def _match(self, expression: str, limit: int) -> list[tuple[str, str, float, str]]:
        return self._db.execute(_SEARCH, (expression, limit)).fetchall() if expression else []

    def _refresh(self) -> None:
        if self._clock() - self._looked_at < FRESH_S:
            return
        present = {file.path: file for file in walk(self.root)}
        kept = {path: file for path, file in self._seen.items() if present.get(path) == file}
        with self._db:
            for path in self._seen.keys() - kept.keys():
                self._remove(path)
            added = {path: present[path] for path in present.keys() - kept.keys() if self._add(present[path])}
        self._seen = kept | added
        self._looked_at = self._clock()

    def _remove(self, path: str) -> None:
        self._db.execute("DELETE FROM files WHERE path = ?", (path,))
        self._db.execute("DELETE FROM texts WHERE path = ?", (path,))

    def _add(self, file: File) -> bool:
        try:
            text = read(self.root, file.path)
        except (NotFoundError, OSError):  # gone or unreadable since the folder was looked through
            return False
        name = title(file.path, text)
        row = (file.path, name, file.size, file.modified, kind(file.path)[0])
        self._db.execute("INSERT INTO files VALUES (?, ?, ?, ?, ?)", row)
        self._db.execute("INSERT INTO texts VALUES (?, ?, ?)", (file.path, name, readable(file.path, text)))
        return True
