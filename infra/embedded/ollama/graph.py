"""Builds all-MiniLM-L6-v2 as an ONNX graph of onnxruntime's fused operators, from the model's safetensors file."""

from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray
from onnx import NodeProto, TensorProto, ValueInfoProto, helper, numpy_helper, save_model
from safetensors.numpy import load_file

LAYERS = 6
HEADS = 12
WIDTH = 384
EPSILON = 1e-12  # all four from the model's config.json
FUSED = "com.microsoft"  # the domain of onnxruntime's own operators
WEIGHTS_FILE = "weights.bin"
ALIGNMENT = 4096  # a tensor that starts on a page can be mapped instead of read

Weights = dict[str, NDArray[np.float32]]


def build(safetensors: Path, folder: Path) -> Path:
    """Write the graph and its weights into `folder`; returns the graph's file.

    It maps `ids` and `mask` [texts, tokens] to `embeddings` [texts, 384].
    The weights lie in a file of their own, which onnxruntime maps: starting is fast, and untouched words cost nothing.
    """
    with (folder / WEIGHTS_FILE).open("wb") as file:
        graph = _Graph(load_file(safetensors), file)
        last = _embedding(graph)
        for number in range(LAYERS):
            last = _layer(graph, last, f"encoder.layer.{number}")
        _pooling(graph, last)
    inputs = [_value(name, TensorProto.INT32, "tokens") for name in ("ids", "mask")]
    outputs = [_value("embeddings", TensorProto.FLOAT, WIDTH)]
    model = helper.make_model(
        helper.make_graph(graph.nodes, "all-MiniLM-L6-v2", inputs, outputs, graph.tensors),
        opset_imports=[helper.make_opsetid("", 17), helper.make_opsetid(FUSED, 1)],
        ir_version=8,
    )
    save_model(model, folder / "graph.onnx")
    return folder / "graph.onnx"


def _embedding(graph: "_Graph") -> str:
    weights = graph.weights
    word = graph.tensor("word", weights["embeddings.word_embeddings.weight"])
    # A text has one segment: every token gets the same segment embedding, so it is added to the positions here.
    segment = weights["embeddings.token_type_embeddings.weight"][0]
    position = graph.tensor("position", weights["embeddings.position_embeddings.weight"] + segment)
    inputs = ["ids", "", word, position, "", *graph.stored("embeddings.LayerNorm.weight", "embeddings.LayerNorm.bias")]
    # onnxruntime wants this operator's second output declared, too.
    return graph.node("EmbedLayerNormalization", inputs, FUSED, ["embedded", "mask_index"], epsilon=EPSILON)


def _layer(graph: "_Graph", source: str, name: str) -> str:
    """A transformer layer: self-attention, then the feed-forward part, each with its residual and normalisation."""
    qkv = [f"{name}.attention.self.{part}" for part in ("query", "key", "value")]
    matrix = graph.tensor(f"{name}.qkv", np.concatenate([graph.weights[f"{part}.weight"].T for part in qkv], axis=1))
    bias = graph.tensor(f"{name}.qkv.bias", np.concatenate([graph.weights[f"{part}.bias"] for part in qkv]))
    heads = graph.node("Attention", [source, matrix, bias, "mask"], FUSED, num_heads=HEADS)
    attended = _output(graph, heads, source, f"{name}.attention.output")
    wide = [_matmul(graph, attended, f"{name}.intermediate.dense"), *graph.stored(f"{name}.intermediate.dense.bias")]
    return _output(graph, graph.node("BiasGelu", wide, FUSED), attended, f"{name}.output")


def _output(graph: "_Graph", source: str, residual: str, name: str) -> str:
    """What ends both parts of a layer: projection, bias, residual and layer normalisation."""
    projected = _matmul(graph, source, f"{name}.dense")
    norm = graph.stored(f"{name}.LayerNorm.weight", f"{name}.LayerNorm.bias", f"{name}.dense.bias")
    return graph.node("SkipLayerNormalization", [projected, residual, *norm], FUSED, epsilon=EPSILON)


def _matmul(graph: "_Graph", source: str, name: str) -> str:
    return graph.node("MatMul", [source, graph.tensor(f"{name}.matrix", graph.weights[f"{name}.weight"].T)])


def _pooling(graph: "_Graph", source: str) -> None:
    """The normalised mean of a text's tokens. Their sum points the same way, so nothing is divided by their number."""
    axis = graph.tensor("axis", np.array([1], dtype=np.int64))
    row = graph.node("Unsqueeze", [graph.node("Cast", ["mask"], to=TensorProto.FLOAT), axis])
    pooled = graph.node("Squeeze", [graph.node("MatMul", [row, source]), axis])
    graph.node("LpNormalization", [pooled], outputs=["embeddings"], axis=-1, p=2)


def _value(name: str, kind: int, columns: str | int) -> ValueInfoProto:
    return helper.make_tensor_value_info(name, kind, ["texts", columns])


class _Graph:
    """Nodes and tensors in the making; the tensors' data goes to `file`."""

    def __init__(self, weights: Weights, file: IO[bytes]) -> None:
        self.weights = weights
        self.nodes: list[NodeProto] = []
        self.tensors: list[TensorProto] = []
        self._file = file

    def node(
        self, operator: str, inputs: Sequence[str], domain: str = "", outputs: Sequence[str] = (), **attributes: Any
    ) -> str:
        """Add a node; returns its first output's name, made up unless given."""
        outputs = outputs or [f"{operator}{len(self.nodes)}"]
        self.nodes.append(helper.make_node(operator, inputs, outputs, domain=domain, **attributes))
        return outputs[0]

    def stored(self, *names: str) -> list[str]:
        """Add weights as the model has them; returns their names."""
        return [self.tensor(name, self.weights[name]) for name in names]

    def tensor(self, name: str, data: NDArray[Any]) -> str:
        """Add a constant; returns its name."""
        if data.dtype != np.float32:
            self.tensors.append(numpy_helper.from_array(data, name))
            return name
        self._file.write(bytes(-self._file.tell() % ALIGNMENT))
        tensor = TensorProto(name=name, dims=data.shape, data_type=TensorProto.FLOAT)
        tensor.data_location = TensorProto.EXTERNAL
        place = {"location": WEIGHTS_FILE, "offset": self._file.tell(), "length": data.nbytes}
        for key, value in place.items():
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)
        self._file.write(np.ascontiguousarray(data).data)
        return name
