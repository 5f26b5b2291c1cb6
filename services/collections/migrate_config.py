"""Write the collections of a JSON file into the database: `python -m services.collections.migrate_config FILE`.

A collection that is there already is brought up to the file; none is deleted.
The database is that of DATABASE_URL, its password that of DATABASE_PASSWORD or the file DATABASE_PASSWORD_FILE.
"""

import sys
from pathlib import Path

import psycopg

from services.common.collections import BadCollectionsFileError, Collection, read_file
from services.common.settings import DatabaseSettings, load

CONNECT_TIMEOUT_S = 10
_UPSERT = """
INSERT INTO rag.collections (name, directory, embedding_model, chunk_tokens, chunk_overlap, enabled)
VALUES (%(name)s, %(directory)s, %(embedding_model)s, %(chunk_tokens)s, %(chunk_overlap)s, %(enabled)s)
ON CONFLICT (name) DO UPDATE SET
    directory = EXCLUDED.directory, embedding_model = EXCLUDED.embedding_model, chunk_tokens = EXCLUDED.chunk_tokens,
    chunk_overlap = EXCLUDED.chunk_overlap, enabled = EXCLUDED.enabled, updated_at = now()
"""


def migrate(settings: DatabaseSettings, collections: list[Collection]) -> None:
    """Upsert `collections` by name, all or none; raises psycopg.Error."""
    password = settings.database_password.get_secret_value() if settings.database_password else None
    with (
        psycopg.connect(settings.database_url, password=password, connect_timeout=CONNECT_TIMEOUT_S) as connection,
        connection.cursor() as cursor,
    ):
        cursor.executemany(_UPSERT, [collection.model_dump() for collection in collections])


def main() -> None:
    """Migrate the file that the only argument names; exits with 1 and the reason where that fails."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: migrate_config FILE\n\n{__doc__}")
    try:
        collections = read_file(Path(sys.argv[1]))
        migrate(load(DatabaseSettings), collections)
    except (BadCollectionsFileError, psycopg.Error) as error:
        sys.exit(f"collections not migrated: {error}")
    sys.stdout.write(f"{len(collections)} collections of {sys.argv[1]} are in the database\n")


if __name__ == "__main__":
    main()
