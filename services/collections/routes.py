"""The collections themselves: list, create, show, change, delete."""

import asyncio
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from fastapi import APIRouter
from pydantic import ValidationError
from starlette.responses import Response

from services.collections.models import (
    CollectionChanges,
    CollectionFields,
    CollectionList,
    NewCollection,
)
from services.collections.store import Store
from services.common import versions
from services.common.collections import Collection, Collections
from services.common.errors import ErrorBody, InvalidRequestError
from services.common.folder import directory
from services.common.qdrant import Qdrant
from services.common.responses import Json

PREFIX = "/api/v1/collections"
MISSING: dict[int | str, dict[str, Any]] = {404: {"model": ErrorBody}}


def collections_router(
    collections: Collections,
    store: Store,
    qdrant: Qdrant,
    *,
    data_root: Path,
    embedding_model: str,
    changed: Callable[[], None],
) -> APIRouter:
    """`/api/v1/collections` and `/api/v1/collections/{name}`.

    Args:
        embedding_model: of a collection that names none.
        changed: called when the watched folders may have become others.
    """
    router = APIRouter(prefix=PREFIX, tags=["collections"])
    checked = partial(_checked, data_root=data_root, embedding_model=embedding_model)

    async def replace(collection: Collection) -> Response:
        await store.update(collection)
        changed()
        return Json(collection.model_dump())

    @router.get("", responses={200: {"model": CollectionList}})
    async def list_all() -> Response:
        """All collections: the database's, or the collections file's while it is away."""
        return Json({"collections": [c.model_dump() for c in await collections.all()]})

    @router.post("", status_code=201, responses={201: {"model": Collection}, 409: {"model": ErrorBody}})
    async def create(body: NewCollection) -> Response:
        """Create a collection; its folder is ingested and watched from now on."""
        collection = checked(body.model_dump())
        await store.create(collection)
        changed()
        return Json(collection.model_dump(), 201, {"Location": f"{PREFIX}/{collection.name}"})

    @router.get("/{name}", responses=MISSING | {200: {"model": Collection}})
    async def show(name: str) -> Response:
        """One collection."""
        return Json((await collections.get(name)).model_dump())

    @router.put("/{name}", responses=MISSING | {200: {"model": Collection}})
    async def put(name: str, body: CollectionFields) -> Response:
        """Set all fields of a collection but its name."""
        return await replace(checked({"name": name} | body.model_dump()))

    @router.patch("/{name}", responses=MISSING | {200: {"model": Collection}})
    async def patch(name: str, body: CollectionChanges) -> Response:
        """Change some fields of a collection."""
        present = await collections.get(name)
        return await replace(checked(present.model_dump() | body.model_dump(exclude_none=True)))

    @router.delete("/{name}", status_code=204, responses=MISSING)
    async def delete(name: str) -> Response:
        """Remove a collection with its vectors, never its files. A deletion that fails halfway can be repeated."""
        await store.close(name)
        changed()
        await qdrant.delete_collection(name)
        await store.delete(name)
        await asyncio.sleep(versions.LEASE_S)  # from now on no cached answer of it is served as fresh
        return Response(status_code=204)

    return router


def _checked(fields: dict[str, Any], *, data_root: Path, embedding_model: str) -> Collection:
    """The collection of these fields; raises InvalidRequestError naming the wrong one."""
    given = {"embedding_model": embedding_model} | {key: value for key, value in fields.items() if value is not None}
    try:
        collection = Collection(**given)
    except ValidationError as error:
        raise InvalidRequestError("; ".join(_fault(e) for e in error.errors())) from error
    if not directory(data_root, collection.directory).is_dir():
        raise InvalidRequestError(f"directory: {collection.directory!r} is no folder below the data root")
    return collection


def _fault(error: Any) -> str:
    field = ".".join(map(str, error["loc"]))
    return f"{field}: {error['msg']}" if field else str(error["msg"])
