"""The base classes of layers, and the table of all layers by name."""

from gru_c.layers.base.layer import FIXED, CommonOptions, ForwardOptions, Layer, LayerOptions

__all__ = ["FIXED", "CommonOptions", "ForwardOptions", "Layer", "LayerOptions"]
