"""Have an Ollama server hold the models that the stack wants: the job that runs once it is up.

A missing model is pulled, with progress. The embedded Ollama cannot pull and answers why.
"""

import argparse
import json
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from typing import Any

ANSWER_S = 10.0  # seconds between two lines of an answer; a pull reports several times a second


def main() -> None:
    """Pull what is missing; exits with 1 and the server's reason where it cannot."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="the Ollama server, such as http://127.0.0.1:11434")
    parser.add_argument("model", nargs="+", help="a model's name, such as all-minilm")
    arguments = parser.parse_args()
    try:
        for model in missing(arguments.url, arguments.model):
            for progress in pull(arguments.url, model):
                print(f"{model}: {progress}", flush=True)
    except (OSError, RuntimeError) as error:
        sys.exit(f"{arguments.url}: {error}")


def missing(url: str, models: list[str]) -> list[str]:
    """Those of `models` that the server does not have; a name without a tag means `:latest`, as Ollama has it."""
    with urllib.request.urlopen(f"{url}/api/tags", timeout=ANSWER_S) as answer:
        held = {model["name"] for model in json.load(answer)["models"]}
    return [model for model in dict.fromkeys(models) if not {model, f"{model}:latest"} & held]


def pull(url: str, model: str) -> Iterator[str]:
    """Pull `model`, yielding the server's progress; raises RuntimeError with its reason if it cannot."""
    body = json.dumps({"model": model}).encode()
    request = urllib.request.Request(f"{url}/api/pull", body, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=ANSWER_S) as answer:
            for line in answer:
                step: dict[str, Any] = json.loads(line)
                if "error" in step:
                    raise RuntimeError(f"cannot pull {model}: {step['error']}")
                yield str(step["status"])
    except urllib.error.HTTPError as error:
        raise RuntimeError(f"cannot pull {model}: {error.read().decode(errors='replace')}") from None


if __name__ == "__main__":
    main()
