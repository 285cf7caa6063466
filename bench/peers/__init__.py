"""The libraries that are compared, in the order of the tables and plots."""

from __future__ import annotations

from collections.abc import Iterable

from bench.peers.base import Peer, Work
from bench.peers.jax_scan import Jax
from bench.peers.keras_layers import Keras
from bench.peers.numpy_loop import NumPy
from bench.peers.onednn import OneDnn
from bench.peers.onnx_runtimes import OnnxRuntime, OpenVino, OpenVinoBfloat16
from bench.peers.ours import Bfloat16, Blas, GruCDefault, Int8, Packed
from bench.peers.pytorch import PyTorch

PEERS: dict[str, type[Peer]] = {
    peer.name: peer
    for peer in (
        GruCDefault,
        Packed,
        Blas,
        Bfloat16,
        Int8,
        NumPy,
        PyTorch,
        OnnxRuntime,
        OpenVino,
        OpenVinoBfloat16,
        OneDnn,
        Jax,
        Keras,
    )
}

__all__ = ["PEERS", "OneDnn", "Peer", "Work", "make_peers"]


def make_peers(names: Iterable[str]) -> tuple[list[Peer], dict[str, str]]:
    """Return the peers that can run here, and the reasons why others cannot, by name."""
    peers, skipped = [], {}
    for name in names:
        try:
            reason = PEERS[name].why_not()
            if not reason:
                peers.append(PEERS[name]())
        except Exception as error:  # a broken installation may raise anything
            reason = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else '?'}"
        if reason:
            skipped[name] = reason
    return peers, skipped
