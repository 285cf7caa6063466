"""A network that predicts, streams, measures and describes itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, overload

import numpy.typing as npt

from gru_c.common.arrays import Array
from gru_c.common.keywords import checked_keywords
from gru_c.common.validation import check_flag, check_integer
from gru_c.data.inputs import check_batch_inputs
from gru_c.models import profile
from gru_c.models.summary import summary_lines
from gru_c.network.network import Network
from gru_c.serving.predictor import Predictor, freeze
from gru_c.streaming.stream import Stream
from gru_c.training import predict


class InferenceModel(Network):
    """Base of `Sequential`: everything but training and files."""

    _kind = False  # for the checks of attributes, `Network` is the base of the kind

    @overload
    def predict(
        self,
        x: Array,
        batch_size: int | None = ...,
        verbose: str | int = ...,
        steps: int | None = ...,
        callbacks: object = ...,
        *,
        lengths: npt.ArrayLike | None = ...,
        bucket: bool = ...,
    ) -> Array: ...

    @overload
    def predict(
        self,
        x: object,
        batch_size: int | None = ...,
        verbose: str | int = ...,
        steps: int | None = ...,
        callbacks: object = ...,
        *,
        lengths: npt.ArrayLike | None = ...,
        bucket: bool = ...,
    ) -> Array | list[Array]: ...

    @checked_keywords
    def predict(
        self,
        x: Any,
        batch_size: int | None = None,
        verbose: str | int = "auto",
        steps: int | None = None,
        callbacks: object = None,
        *,
        lengths: npt.ArrayLike | None = None,
        bucket: bool = False,
    ) -> Array | list[Array]:
        """Return the outputs for x, computed batch by batch.

        Parameters
        ----------
        x, lengths
            As in `fit`. The batches of a source are x, or tuples whose first item is x.
        batch_size : int, optional
            Samples per batch; 32 by default.
        verbose : {"auto", 0, 1, 2}
            1 shows a bar; so does "auto" in a terminal or notebook if there are several batches.
        bucket : bool
            Put sequences of similar length into a batch. The order of the outputs does not change.
        steps : int, optional
            Number of batches to take, from the first one on; by default all. Arrays without
            batch_size are cut into so many.
        callbacks : Callback or list of Callback, optional
            See `gru_c.callbacks`.

        Returns
        -------
        ndarray of shape (samples, ...), or list of ndarray
            A list, with an array for each sequence, if x is a list and each time step has an
            output, or if the outputs of a source's batches differ in length.

        Raises
        ------
        ValueError
            If x or lengths do not fit. A model without weights gets them for the shape of x.
        """
        return predict.predict(
            self,
            x,
            batch_size=batch_size,
            verbose=verbose,
            lengths=lengths,
            bucket=bucket,
            steps=steps,
            callbacks=callbacks,
        )

    @checked_keywords
    def predict_on_batch(self, x: Any, lengths: npt.ArrayLike | None = None) -> Array | list[Array]:
        """Return the outputs for x, computed as one batch; see `predict`."""
        count = max(len(check_batch_inputs(self, x, lengths)), 1)
        return predict.predict(self, x, batch_size=count, verbose=0, lengths=lengths)

    def freeze(self, weights: str | None = None) -> Predictor:
        """Return a `Predictor`: a copy of the model that only predicts, as fast as possible.

        Frameworks call this freezing: the weights become constants, so that the work that depends
        on them alone is done once, before the first call.

        Parameters
        ----------
        weights : {"float32", "float64", "bfloat16", "int8"}, optional
            The type in which `GRU` layers keep their weights; by default that of each layer's
            ``inference_weights``. Fewer bits are for models of float32.

        Returns
        -------
        Predictor

        Raises
        ------
        ValueError
            If the model has no weights yet, a layer is stateful, or `weights` does not fit the
            model's dtype.

        Examples
        --------
        >>> import numpy as np
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
        >>> predictor = model.freeze(weights="bfloat16")
        >>> predictor(np.zeros((10, 8), np.float32)).shape
        (1,)
        """
        return freeze(self, weights)

    def stream(self, batch_size: int = 1) -> Stream:
        """Return a `Stream`, which runs the model one time step after the other.

        Parameters
        ----------
        batch_size : int
            Number of sequences that are processed together.

        Returns
        -------
        Stream
            With a copy of the current weights and all states zero.

        Raises
        ------
        ValueError
            If the model has no weights yet, or a layer needs more than one step of its input at a
            time.
        TypeError
            If batch_size is not an integer.

        Examples
        --------
        >>> import numpy as np
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
        >>> stream = model.stream()
        >>> x = np.random.randn(1, 10, 8).astype(np.float32)
        >>> for t in range(10):
        ...     y = stream.step(x[:, t])
        >>> bool((y == model.predict(x, verbose=0)).all())
        True
        """
        return Stream(self, batch_size)

    def profile(
        self,
        x: Any,
        *,
        lengths: npt.ArrayLike | None = None,
        training: bool = False,
        repeats: int = 10,
    ) -> profile.Profile:
        """Measure the time that each layer takes for x, as one batch.

        The layers run one after the other, each on the output of the layer before it. Weights,
        states and random generators do not change. Operations are estimated as in `summary`.

        Parameters
        ----------
        x, lengths
            As in `fit`.
        training : bool
            Measure the forward and backward passes of training (without loss and optimizer)
            instead of the forward pass of `predict`.
        repeats : int
            Number of rounds over all layers. Each time is the median of the rounds.

        Returns
        -------
        Profile
            Its ``rows`` hold the times; ``print`` shows them as a table of time, GFLOP/s and share
            of the total. Each direction of a `Bidirectional` is also measured alone.

        Raises
        ------
        ValueError, TypeError
            If the model has no weights yet, or an argument does not fit.

        Examples
        --------
        >>> import numpy as np
        >>> from gru_c import Dense, GRU, Sequential
        >>> model = Sequential([GRU(50, input_shape=(None, 8)), Dense(1)], seed=0)
        >>> profile = model.profile(np.random.randn(32, 10, 8), training=True)
        >>> [(row.layer, row.direction, row.flops) for row in profile.rows[:2]]
        [('gru', 'forward', 5568000), ('gru', 'backward', 10368000)]
        """
        check_flag("training", training)
        self.require_built("profile")
        batch = check_batch_inputs(self, x, lengths)
        if not len(batch):
            raise ValueError("x has no samples: there is nothing to measure")
        batch = batch.batch(self, slice(None))
        rounds = check_integer("repeats", repeats, 1)
        return profile.profile(self, batch.x, batch.mask, training, rounds)

    def summary(
        self,
        line_length: int | Callable[[str], object] | None = None,
        positions: None = None,
        print_fn: Callable[[str], object] | None = None,
        expand_nested: bool = False,
        show_trainable: bool = False,
        layer_range: Sequence[str] | None = None,
    ) -> None:
        """Print the layers with their output shapes, numbers of weights and estimated FLOPs.

        The lines below the table give the number of all weights, of those that training changes
        and of the others.

        FLOPs are those of the forward pass of one sample, or of one time step if the number of
        time steps is open; training takes three times as many. Only the multiplications and
        additions of the products with kernels are counted: 2 * 3H * (I + H) for a time step of a
        GRU with H units and I features, 2 * I * O for a Dense.

        Parameters
        ----------
        line_length : int, optional
            Smallest length of the table's lines. A function in its place is `print_fn`.
        positions : None
            The widths of the columns follow from their contents.
        print_fn : callable, optional
            Called with each line of the table; by default `print`.
        expand_nested : bool
            Accepted as in Keras; a Sequential has no models in it.
        show_trainable : bool
            Add a column with Y for the layers whose weights are trained, and N for others.
        layer_range : pair of str, optional
            The names of the first and the last layer of the table, as regular expressions. The
            lines below the table are about all layers.

        Raises
        ------
        ValueError, TypeError
            If an argument does not fit.
        """
        if callable(line_length):
            line_length, print_fn = None, line_length
        if positions is not None:
            raise ValueError(
                f"positions must be None, because columns fit their contents: got {positions!r}"
            )
        check_flag("expand_nested", expand_nested)
        length = check_integer("line_length", line_length, 1, optional=True)
        trainable = check_flag("show_trainable", show_trainable)
        for line in summary_lines(self, length or 0, trainable, layer_range):
            (print_fn or print)(line)
