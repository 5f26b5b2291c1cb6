"""The stack's database, past every proxy and every service: what is recorded in it."""

import asyncio
from typing import Any, LiteralString

import psycopg

from chaos.stack import Stack
from chaos.toxiproxy import HOST
from infra.targets.services import DATABASE, DATABASE_USER, PASSWORD_FILE

TIMEOUT_S = 5


def execute(stack: Stack, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """What the statement gives; raises psycopg.Error, and OSError where the stack has no database."""
    with psycopg.connect(
        host=HOST,
        port=stack.port("timescaledb", "postgres"),
        user=DATABASE_USER,
        dbname=DATABASE,
        password=(stack.paths.run("timescaledb") / PASSWORD_FILE).read_text(),
        connect_timeout=TIMEOUT_S,
    ) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


async def rows(stack: Stack, statement: LiteralString, *values: object) -> list[tuple[Any, ...]]:
    """`execute`, without holding up a load."""
    return await asyncio.to_thread(execute, stack, statement, *values)
