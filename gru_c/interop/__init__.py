"""Models of other libraries, taken in and given out: ``torch``, ``keras`` and ``onnx``.

Each module is imported by itself, and imports the library that it is named after (or what reads its
files) when it is used: ``from gru_c.interop import torch``.
"""
