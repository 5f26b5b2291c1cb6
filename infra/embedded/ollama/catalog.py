"""The two models that the server has, and how its answers describe them."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from infra.embedded.ollama.model import DIMENSIONS, MAX_TOKENS

FOR_EVER = timedelta(microseconds=2**63 // 1000)  # Go's longest duration, which Ollama adds for a model that stays


@dataclass(frozen=True)
class ServedModel:
    """A model; all are always loaded."""

    names: tuple[str, ...]
    capability: Literal["embedding", "completion"]
    digest: str
    files: tuple[Path, ...]
    format: str
    parameter_size: str
    quantization: str
    info: dict[str, Any]  # as in a GGUF file
    context_length: int  # tokens; 0 where there is no limit

    def tagged(self, name: str) -> dict[str, Any]:
        """Its entry in /api/tags under one of its names."""
        return {"name": name, "model": name, "modified_at": self._modified_at} | self._identity

    def loaded(self) -> dict[str, Any]:
        """Its entry in /api/ps."""
        stays = {"expires_at": timestamp(datetime.now(UTC) + FOR_EVER), "size_vram": 0}
        name = {"name": self.names[0], "model": self.names[0]}
        return name | self._identity | stays | {"context_length": self.context_length}

    def shown(self) -> dict[str, Any]:
        """What /api/show says of it."""
        limit = [f"{'num_ctx':<30} {self.context_length}"] if self.context_length else []
        return {
            "license": "Apache-2.0",
            "modelfile": "\n".join([f"FROM {self.names[0]}", *(f"PARAMETER {' '.join(p.split())}" for p in limit)]),
            "parameters": "\n".join(limit),
            "template": "{{ .Prompt }}",
            "details": self._details,
            "model_info": self.info,
            "capabilities": [self.capability],
            "modified_at": self._modified_at,
        }

    @property
    def _identity(self) -> dict[str, Any]:
        size = sum(file.stat().st_size for file in self.files)
        return {"size": size, "digest": self.digest, "details": self._details}

    @property
    def _details(self) -> dict[str, Any]:
        family = self.info["general.architecture"]
        return {
            "parent_model": "",
            "format": self.format,
            "family": family,
            "families": [family],
            "parameter_size": self.parameter_size,
            "quantization_level": self.quantization,
        }

    @property
    def _modified_at(self) -> str:
        return timestamp(datetime.fromtimestamp(max(file.stat().st_mtime for file in self.files), UTC))


def minilm(weights: Path, digest: str) -> ServedModel:
    """all-MiniLM-L6-v2, under the names it has in Ollama's library."""
    info = {
        "general.architecture": "bert",
        "general.file_type": 0,
        "general.parameter_count": 22_713_216,
        "bert.attention.causal": False,
        "bert.attention.head_count": 12,
        "bert.attention.layer_norm_epsilon": 1e-12,
        "bert.block_count": 6,
        "bert.context_length": 512,
        "bert.embedding_length": DIMENSIONS,
        "bert.feed_forward_length": 1536,
        "bert.pooling_type": 1,
    }
    names = ("all-minilm:latest", "all-minilm:22m")
    return ServedModel(names, "embedding", digest, (weights,), "safetensors", "23M", "F32", info, MAX_TOKENS)


def extractive() -> ServedModel:
    """The extractive answers: their model is their code."""
    files = tuple(Path(__file__).with_name(name) for name in ("extractive.py", "prompt.py", "statements.py"))
    digest = hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    info = {"general.architecture": "extractive", "general.parameter_count": 0}
    return ServedModel(("extractive:latest",), "completion", digest, files, "python", "0", "", info, 0)


def find(models: Sequence[ServedModel], name: str) -> ServedModel | None:
    """The model called `name`: as in Ollama, case does not matter, and the tag `latest` need not be written."""
    name = name.lower() if ":" in name else f"{name.lower()}:latest"
    return next((model for model in models if name in model.names), None)


def timestamp(moment: datetime) -> str:
    """A moment of UTC as Go writes it."""
    return moment.isoformat().removesuffix("+00:00") + "Z"
