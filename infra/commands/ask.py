"""Ask the stack a question, through its gateway, and show the answer with its sources."""

import argparse
import json
import urllib.error
import urllib.request
from typing import Any

from rich.console import Console

from infra import workspace
from infra.gateway.tokens import mint, secret_name

QUESTION = "What brings a crashed process back?"
COLLECTION = "docs"
TIMEOUT_S = 120.0
TOKEN_S = 24 * 3600


class AskError(RuntimeError):
    """The gateway does not answer as hoped; the message has its words."""


class Gateway:
    """The stack's gateway as one consumer sees it."""

    def __init__(self, outputs: dict[str, Any]) -> None:
        """From a stack's outputs; the first consumer speaks."""
        consumer = outputs["consumers"][0]
        self.url = str(outputs["gateway"])
        self.token = mint(consumer, outputs["secrets"][secret_name(consumer)], lifetime_s=TOKEN_S)

    def call(self, method: str, path: str, body: object = None) -> Any:
        """The JSON that the gateway answers; raises AskError with the status and its text otherwise."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=TIMEOUT_S) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            text = error.read().decode(errors="replace")
            raise AskError(f"{method} {path}: status {error.code}: {text}") from None
        except OSError as error:
            raise AskError(f"{method} {path}: {error}; does `make status` show the stack up?") from None


def arguments(parser: argparse.ArgumentParser) -> None:
    """What to ask of which collection."""
    parser.add_argument("question", nargs="?", default=QUESTION)
    parser.add_argument("--collection", default=COLLECTION)


def run(parsed: argparse.Namespace) -> int:
    """Ask and print."""
    show_answer(Gateway(workspace.outputs(parsed.stack)), parsed.question, parsed.collection)
    return 0


def show_answer(gateway: Gateway, question: str, collection: str = COLLECTION) -> None:
    """Print the question, the answer and what it cites."""
    answer = gateway.call("POST", "/api/v1/rag/query", {"question": question, "collection": collection})
    console = Console(highlight=False)
    console.print(f"[bold]{question}[/]\n")
    console.print(answer["answer"], markup=False)
    for citation in answer["citations"]:
        console.print(f"  [{citation['marker']}] {citation['path']}", style="cyan", markup=False)
    console.print(f"{answer['model']}, {answer['took_ms']:.0f} ms", style="dim")
