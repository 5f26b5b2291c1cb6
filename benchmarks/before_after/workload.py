"""What is asked of both stacks: the same searches and questions in the same order, half of them asked before."""

from collections.abc import Iterator
from itertools import count
from random import Random

from chaos.operations import OPERATIONS, Ask
from chaos.questions import QUESTIONS

REPEATED = 0.5
"""The share of requests that ask what others have asked. An assumption: how often people ask alike is theirs to say."""
SEARCHES = 0.9
"""Of the requests under load; the others are questions."""


def repeated(operation: str) -> Iterator[Ask]:
    """Each of the questions that are asked again and again, once."""
    return (Ask(OPERATIONS[operation], {"question": question, "repeated": "yes"}) for question in QUESTIONS)


def one_kind(operation: str, phase: str, seed: int) -> Iterator[Ask]:
    """Requests of one kind without end; `phase` tells what is asked only once from that of other phases."""
    return _asks(phase, seed, searches=float(operation == "search"))


def mixed(phase: str, seed: int) -> Iterator[Ask]:
    """Searches and questions without end."""
    return _asks(phase, seed, searches=SEARCHES)


def _asks(phase: str, seed: int, searches: float) -> Iterator[Ask]:
    random = Random(f"{seed} {phase}")  # noqa: S311 - both stacks get the same
    for number in count():
        operation = OPERATIONS["search" if random.random() < searches else "question"]
        question = random.choice(QUESTIONS)
        if random.random() < REPEATED:
            yield Ask(operation, {"question": question, "repeated": "yes"})
        else:
            yield Ask(operation, {"question": f"{question} ({phase} {number})"})
