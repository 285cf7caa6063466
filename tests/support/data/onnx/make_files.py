"""Write the ONNX files of this folder, and what PyTorch and Keras compute of the same models.

PyTorch 2.13 with onnxscript 0.7, Keras 3.15 on PyTorch, and, for `keras_tensorflow.onnx`, which
only has to be refused, Keras on TensorFlow 2.21 with tf2onnx 1.17:

    python make_files.py            all but the last
    KERAS_BACKEND=tensorflow python make_files.py tensorflow
"""

import os
import sys
from pathlib import Path

import numpy as np
import onnx

FOLDER = Path(__file__).parent
EXPECTED = FOLDER / "expected.npz"


def store(name, model):
    """Write a model without the exporter's notes, which hold the paths of its machine."""
    for item in (model, model.graph, *model.graph.node, *model.graph.input, *model.graph.output):
        if hasattr(item, "metadata_props"):
            del item.metadata_props[:]
        item.doc_string = ""
    del model.graph.value_info[:]
    (FOLDER / f"{name}.onnx").write_bytes(model.SerializeToString())


def torch_models():
    """Give name, module and inputs."""
    import torch
    from torch import nn

    class Model(nn.Module):
        def __init__(self, head, **options):
            super().__init__()
            self.gru = nn.GRU(4, 5, batch_first=True, **options)
            self.fc = nn.Linear(10 if options.get("bidirectional") else 5, 3)
            self.head = head

        def forward(self, x, other=None):
            return self.head(self, x) if other is None else self.head(self, x, other)

    class Text(nn.Module):
        def __init__(self):
            super().__init__()
            self.embedding, self.norm = nn.Embedding(7, 4), nn.LayerNorm(4)
            self.gru = nn.GRU(4, 5, batch_first=True)
            self.drop, self.fc = nn.Dropout(0.3), nn.Linear(5, 3)

        def forward(self, words):
            steps, _ = self.gru(self.norm(self.embedding(words)))
            return torch.relu(self.fc(self.drop(steps)))

    def last_state(model, x):
        _, h = model.gru(x)
        joined = torch.cat([h[-2], h[-1]], 1) if model.gru.bidirectional else h[-1]
        return torch.sigmoid(model.fc(joined))

    def with_state(model, x, h0):
        steps, h = model.gru(x, h0)
        return model.fc(steps), h

    def packed(model, x, lengths):
        pack, pad = nn.utils.rnn.pack_padded_sequence, nn.utils.rnn.pad_packed_sequence
        steps, h = model.gru(pack(x, lengths, batch_first=True, enforce_sorted=False))
        return model.fc(pad(steps, batch_first=True)[0]), h

    class TimeMajor(nn.Module):
        def __init__(self):
            super().__init__()
            self.gru, self.fc = nn.GRU(4, 5), nn.Linear(5, 3)

        def forward(self, x):
            return self.fc(self.gru(x)[0][-1])

    torch.manual_seed(0)
    x, h0, words = torch.randn(2, 6, 4), torch.randn(2, 2, 5), torch.randint(0, 7, (2, 6))
    lengths = torch.tensor([3, 6])
    both = {"num_layers": 2, "bidirectional": True}
    yield "last_step", Model(lambda m, x: m.fc(m.gru(x)[0][:, -1])), (x,)
    yield "no_bias", Model(lambda m, x: m.fc(m.gru(x)[0][:, -1]), bias=False), (x,)
    yield "both_ways", Model(lambda m, x: torch.softmax(m.fc(m.gru(x)[0]), -1), **both), (x,)
    yield "last_state", Model(last_state, num_layers=2), (x,)
    yield "last_states", Model(last_state, bidirectional=True), (x,)
    yield "with_state", Model(with_state, num_layers=2), (x, h0)
    yield "packed", Model(packed), (x, lengths)
    yield "time_major", TimeMajor(), (x,)
    yield "text", Text(), (words,)


def export_torch(name, module, inputs, expected):
    """Write what both of PyTorch's exporters make of a module."""
    import torch

    module.eval()
    with torch.no_grad():
        outputs = module(*inputs)
    outputs = outputs if isinstance(outputs, tuple) else (outputs,)
    for kind, values in (("in", inputs), ("out", outputs)):
        for i, value in enumerate(values):
            expected[f"{name}/{kind}{i}"] = value.numpy()
    names = ["x", "lengths" if name == "packed" else "h0"][: len(inputs)]
    second = {"lengths": {0: "batch"}, "h0": {1: "batch"}}
    first = {0: "time", 1: "batch"} if name == "time_major" else {0: "batch", 1: "time"}
    axes = {"x": first, **second}
    axes = {key: value for key, value in axes.items() if key in names}
    target = FOLDER / f"{name}.onnx"
    torch.onnx.export(
        module, inputs, target, dynamo=False, opset_version=17, input_names=names, dynamic_axes=axes
    )
    store(name, onnx.load(target))
    if name == "packed":  # the other exporter cannot
        return
    dims = {label: torch.export.Dim(label) for label in ("batch", "time")}
    shapes = tuple({axis: dims[label] for axis, label in axes[key].items()} for key in names)
    program = torch.onnx.export(
        module, inputs, dynamo=True, input_names=names, dynamic_shapes=shapes, verbose=False
    )
    store(f"{name}_dynamo", program.model_proto)


def keras_model():
    import keras

    keras.utils.set_random_seed(0)
    layers = [keras.layers.GRU(3), keras.layers.Dense(2)]
    model = keras.Sequential([keras.Input((3, 4)), *layers])
    x = np.random.default_rng(0).normal(size=(2, 3, 4)).astype("float32")
    model.predict(x, verbose=0)
    return model, x


def export_keras_on_torch(expected):
    model, x = keras_model()
    target = FOLDER / "keras_torch.onnx"
    model.export(target, format="onnx", verbose=False)
    store("keras_torch", onnx.load(target))
    expected["keras_torch/in0"] = x
    expected["keras_torch/out0"] = np.asarray(model.predict(x, verbose=0))


def export_keras_on_tensorflow():
    import tensorflow as tf
    import tf2onnx

    model, _ = keras_model()
    signature = [tf.TensorSpec((None, None, 4), tf.float32, name="x")]
    function = tf.function(lambda x: model(x), input_signature=signature)
    proto, _ = tf2onnx.convert.from_function(function, input_signature=signature, opset=15)
    store("keras_tensorflow", proto)


if __name__ == "__main__":
    if "tensorflow" in sys.argv:
        export_keras_on_tensorflow()
    else:
        os.environ["KERAS_BACKEND"] = "torch"
        arrays = {}
        for case in torch_models():
            export_torch(*case, arrays)
        export_keras_on_torch(arrays)
        np.savez_compressed(EXPECTED, **arrays)
