"""What the search route is compared with: a FastAPI handler that answers from the same cache, and does nothing else.

`python -m benchmarks.bare --port N --redis URL` serves it as the services are served.
"""

import argparse

import uvicorn
from fastapi import FastAPI
from redis.asyncio import Redis
from starlette.responses import Response

PATH = "/api/v1/rag/search"  # the gateway lets no other one through


def key(question: str) -> str:
    """Where the answer to a question is kept."""
    return f"bare:{question}"


def build(redis_url: str) -> FastAPI:
    """The application."""
    redis = Redis.from_url(redis_url)
    app = FastAPI()

    @app.get("/health")
    async def alive() -> Response:
        """For the gateway's health check."""
        return Response(b"{}", media_type="application/json")

    @app.get(PATH)
    async def search(q: str, limit: int = 10) -> Response:
        """The answer that is kept."""
        return Response(await redis.get(key(q)), media_type="application/json")

    return app


def main() -> None:
    """Serve until SIGTERM."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--redis", required=True)
    parsed = parser.parse_args()
    uvicorn.run(
        build(parsed.redis),
        host="127.0.0.1",
        port=parsed.port,
        loop="uvloop",
        http="httptools",
        ws="none",
        access_log=False,
        log_level="warning",
        timeout_keep_alive=75,
    )


if __name__ == "__main__":
    main()
