"""Serve Ollama's API with MiniLM embeddings and extractive answers."""

import argparse
import logging
import os
import sys
from pathlib import Path

import uvloop
from aiohttp import web

from infra.embedded.ollama.catalog import extractive, minilm
from infra.embedded.ollama.model import MiniLM, MissingModelError, model_files
from infra.embedded.ollama.server import MAX_QUEUE, build

MAX_THREADS = 4  # MiniLM's matrices are too small for more
DRAIN_S = 3  # what a request under way may still take after SIGTERM


def main() -> None:
    """Load the model, then serve until SIGTERM; exits with 1 where there is no model."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=11434)
    parser.add_argument("--data", type=Path, required=True, help="where the model's graph is kept")
    parser.add_argument("--max-queue", type=int, default=MAX_QUEUE, help="requests that may wait")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(message)s")
    try:
        model = MiniLM(arguments.data, threads=min(len(os.sched_getaffinity(0)), MAX_THREADS))
    except MissingModelError as error:
        sys.exit(str(error))
    models = (minilm(model_files() / "model.safetensors", model.digest), extractive())
    web.run_app(
        build(model, models, arguments.max_queue),
        host=arguments.host,
        port=arguments.port,
        loop=uvloop.new_event_loop(),
        handler_cancellation=True,  # a client that hangs up ends its request
        shutdown_timeout=DRAIN_S,
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
