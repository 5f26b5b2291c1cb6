"""The other processes of a service that runs as several behind one port.

What a process tells of itself (its metrics, breakers, tokens) is told of all of them, whichever is asked: each listens
on a port of its own as well, where the others ask it the same.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

import aiohttp
from starlette.requests import Request

from services.common.errors import UnavailableError
from services.common.http import Http

HOST = "127.0.0.1"  # of the own ports
ASK_S = 1.0  # for another process to answer


class SiblingUnavailableError(UnavailableError):
    """Another process of the service does not answer, or not yet as this one; it cannot be told of all of them now."""


@dataclass(frozen=True)
class Family:
    """The own ports of a service's processes, and which of them this is; none: there is no other."""

    ports: tuple[int, ...] = ()
    index: int = 0

    async def others(self, request: Request) -> Mapping[int, bytes]:
        """What each of the others answers to this request; nothing if it came to this process's own port.

        Raises SiblingUnavailableError.
        """
        if not self.ports or (request.scope["server"] or ("", 0))[1] == self.ports[self.index]:
            return {}
        others = [index for index in range(len(self.ports)) if index != self.index]
        async with Http(total_s=ASK_S) as http:
            answers = await asyncio.gather(*(self._ask(http, request, self.ports[index]) for index in others))
        return dict(zip(others, answers, strict=True))

    async def _ask(self, http: Http, request: Request, port: int) -> bytes:
        url = f"http://{HOST}:{port}{request.scope['path']}"
        headers = {name: value for name, value in request.headers.items() if name.startswith("x-")}  # the token is one
        try:
            async with http.request(request.method, url, headers=headers) as answer:
                answer.raise_for_status()
                return await answer.read()
        except (aiohttp.ClientError, TimeoutError) as error:
            words = error.status if isinstance(error, aiohttp.ClientResponseError) else type(error).__name__
            raise SiblingUnavailableError(f"another process of this service answers {words}") from error


class Siblings:
    """The family of this process. It is given once, before the application is made."""

    family = Family()
