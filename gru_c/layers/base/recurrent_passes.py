"""The forward and backward pass of recurrent layers."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gru_c._core import WEIGHT_FORMATS
from gru_c.common.arrays import Array, as_sequences, check_features, split_states
from gru_c.common.attributes import assign
from gru_c.common.owners import name_owner, names_owner
from gru_c.common.validation import check_flag, check_flags
from gru_c.common.weight_memory import versions_of
from gru_c.layers.base.stateful_layer import StatefulLayer, owners_in_errors
from gru_c.recurrence.cell import Cell
from gru_c.recurrence.memory import TapeMemory
from gru_c.recurrence.options import PassOptions
from gru_c.recurrence.passes import batch_first, run
from gru_c.recurrence.plain import pack_weights
from gru_c.recurrence.ragged import RaggedTape
from gru_c.recurrence.step_order import StepOrder, Steps
from gru_c.recurrence.tape import Tape
from gru_c.recurrence.weights import Gradients, Weights


class RecurrentTape(NamedTuple):
    """The tape of a recurrent layer.

    Attributes
    ----------
    tape : Tape
        Of the pass.
    given_state : bool
        True if the forward pass was given an initial state, whose gradient is returned.
    x_mask : ndarray of shape (B, 1, I), or None
        Factors of the input, from dropout.
    """

    tape: Tape
    given_state: bool
    x_mask: Array | None


class RecurrentPasses(StatefulLayer):
    """The passes of a `GRU`, `LSTM` or `SimpleRNN`, whose constructor sets the attributes."""

    cell: Cell
    use_bias: bool
    return_sequences: bool
    return_state: bool
    go_backwards: bool
    zero_output_for_mask: bool
    time_major: bool
    dropout: float
    recurrent_dropout: float
    zoneout: float
    checkpoint_every: int | str | None
    inference_weights: str
    _memory: TapeMemory  # memory of this layer's tapes
    _packed: tuple[Array, list[int]] | None  # the packed weights, and the versions of the weights

    # ---- weights ----

    def _weights(self) -> Weights:
        """Return the weights for reading."""
        kernel, recurrent_kernel, *bias = self.parameters
        return Weights(kernel.array, recurrent_kernel.array, bias[0].array if bias else None)

    def hold_weights(self, hold: bool) -> None:
        """Keep a packed copy of the weights for the next forward passes, or release it.

        It is not used once the weights may have changed, for example in a callback.
        """
        self._packed = None
        versions = versions_of(self.parameters) if hold else None
        if versions is not None:
            weights_format = WEIGHT_FORMATS[self.inference_weights]
            packed = pack_weights(self._weights(), self.cell, weights_format=weights_format)
            self._packed = None if packed is None else (packed, versions)

    def _packed_weights(self) -> Array | None:
        """Return the packed copy of the current weights; None if there is none."""
        held = self._packed  # another thread may release it meanwhile
        if held is None:
            return None
        packed, versions = held
        return packed if versions_of(self.parameters) == versions else None

    # ---- forward pass ----

    def forward(
        self,
        x: npt.ArrayLike,
        *,
        initial_state: Any = None,
        training: bool = False,
        mask: npt.ArrayLike | None = None,
        lengths: npt.ArrayLike | None = None,
    ) -> Any:
        """Run the layer over a batch of sequences.

        Parameters
        ----------
        x : array_like of shape (B, T, I)
            Input; with ``training=True`` it must not be changed before the backward pass.
        initial_state : array_like of shape (B, H), optional
            State before the first step or a list of it, of an `LSTM` the pair of h and c; zeros by
            default.
        training : bool
            Set ``self.tape`` for `backward`.
        mask : array_like of bool, shape (B, T), optional
            True for the time steps that count; see `gru_c.gru_forward`.
        lengths : array_like of int, shape (B,), optional
            Number of time steps of each sequence that count, the first ones, instead of a mask.

        Returns
        -------
        ndarray, or tuple of ndarray
            The output, (B, T, H) with ``return_sequences``, else (B, H); with ``return_state``
            also the last state (B, H), of an `LSTM` h and c.
        """
        try:
            return self._forward(x, initial_state, training, mask, lengths)
        except (TypeError, ValueError) as error:
            name_owner(error, owners_in_errors(self))
            raise

    def _forward(
        self,
        x: npt.ArrayLike,
        initial_state: Any,
        training: bool,
        mask: npt.ArrayLike | None,
        lengths: npt.ArrayLike | None,
    ) -> Any:
        """Run the layer; see `forward`."""
        check_flag("training", training)
        self._require_built("forward")
        if training:
            self.cell.require_trainable()
        array = as_sequences("x", x, np.dtype(self.dtype))
        weights = self._weights()
        check_features(array.shape[2], weights.kernel, "x")
        output = None
        if self.return_sequences:
            output = np.empty((*array.shape[:2], self.units), self.dtype)
        sequences = batch_first(array, self.time_major)
        B, T, features = sequences.shape
        steps = self._steps_that_count(B, T, mask, lengths)
        state = self._first_state(initial_state, B)
        x_mask = (
            self.draw_mask((B, 1, features), self.dropout) if training and self.dropout else None
        )
        if x_mask is not None:
            sequences = sequences * x_mask
        last, tape = run(
            sequences,
            weights,
            state,
            batch_first(output, self.time_major),
            self._training_options(B) if training else self._inference_options(),
            steps=steps,
            every=self.checkpoint_every,
        )
        if tape is not None:
            self._set_tape(RecurrentTape(tape, initial_state is not None, x_mask))
        if self.stateful:
            assign(self, state=last.copy())
        h = last if self.state_count == 1 else np.ascontiguousarray(last[:, : self.units])
        if output is None and steps is not None:
            output = _rows_of(steps, h)
        if not self.return_state:
            return h if output is None else output
        # New arrays, so that a change of one does not change the other.
        first = h.copy() if output is None else output
        if self.state_count == 1:
            return first, last
        return first, *split_states(last, self.state_count)

    def _steps_that_count(
        self, B: int, T: int, mask: npt.ArrayLike | None, lengths: npt.ArrayLike | None
    ) -> Steps | None:
        """Check a mask or lengths; None when every time step counts."""
        if mask is None and lengths is None:
            return None
        return Steps.checked(
            (B, T),
            mask,
            lengths,
            go_backwards=self.go_backwards,
            zero_output=self.zero_output_for_mask,
        )

    def _first_state(self, initial_state: Any, B: int) -> Array | None:
        """Return the states before the first time step; None for zeros."""
        if self.stateful and initial_state is None:
            self.require_state_for(B)
            state = self.state  # of another dtype if it was set before there were weights
            return None if state is None else np.ascontiguousarray(state, self.dtype)
        return self.as_states("initial_state", initial_state, B)

    def _inference_options(self) -> PassOptions:
        return PassOptions(
            self.cell,
            self.go_backwards,
            weights_format=WEIGHT_FORMATS[self.inference_weights],
            packed=self._packed_weights(),
        )

    def _training_options(self, B: int) -> PassOptions:
        """Return the options of a training pass, with random numbers for dropout and zoneout."""
        mask = draws = None
        if self.recurrent_dropout:
            mask = self.draw_mask((B, self.units), self.recurrent_dropout)
        if self.zoneout:
            draws = int(self.rng.integers(2**63)), 0
        return PassOptions(
            self.cell,
            self.go_backwards,
            training=True,
            state_mask=mask,
            draws=draws,
            memory=self._memory,
        )

    # ---- backward pass ----

    @names_owner(owners_in_errors)
    def backward(
        self,
        d_output: npt.ArrayLike | None = None,
        *,
        d_state: Any = None,
        tape: Any = None,
        accumulate: bool = False,
        input_gradient: bool = True,
        keep_tape: bool = True,
    ) -> Any:
        """Write the weights' gradients and return that of the input.

        Parameters
        ----------
        d_output : array_like, optional
            Gradient with respect to the output, of its shape; zeros by default.
        d_state : array_like of shape (B, H), optional
            Gradient with respect to the last state, of an `LSTM` the pair of those of h and c;
            added to that of the output; zeros by default.
        tape, accumulate, input_gradient, keep_tape
            See `Layer.backward`.

        Returns
        -------
        ndarray of shape (B, T, I), or tuple of ndarray
            The gradient of x (None without ``input_gradient``). If the forward pass was given an
            initial state, a pair of it and the initial state's gradient (B, H), which itself is a
            pair of an `LSTM`.
        """
        if not type(accumulate) is type(input_gradient) is type(keep_tape) is bool:
            check_flags(accumulate=accumulate, input_gradient=input_gradient, keep_tape=keep_tape)
        layer_tape: RecurrentTape = self._take_tape(tape)
        of_pass, given_state, x_mask = layer_tape
        B, T, H = shape = of_pass.output_shape
        d_steps, d_last = self._output_gradients(of_pass, shape, d_output, d_state)
        kernel, recurrent_kernel, *bias = self.parameters
        gradients = Gradients(
            kernel.gradient,
            recurrent_kernel.gradient,
            bias[0].gradient if bias else None,
            accumulate=accumulate,
        )
        d_x = None
        if input_gradient:
            features = of_pass.x.shape[2]
            d_x = np.empty((T, B, features) if self.time_major else (B, T, features), self.dtype)
            gradients.x = batch_first(d_x, self.time_major)
        if given_state:
            gradients.initial_state = np.empty((B, self.state_count * H), self.dtype)
        of_pass.backward(d_steps, d_last, gradients, keep_tape=keep_tape)
        if gradients.x is not None and x_mask is not None:
            gradients.x *= x_mask
        if of_pass.memory is None:
            self._set_tape(None)
        if gradients.initial_state is None:
            return d_x
        return d_x, split_states(gradients.initial_state, self.state_count)

    def _output_gradients(
        self,
        tape: Tape,
        shape: tuple[int, ...],
        d_output: npt.ArrayLike | None,
        d_state: Any,
    ) -> tuple[Array | None, Array | None]:
        """Return the gradients of the outputs (B, T, H) and of the last states; None for zeros."""
        B, T, H = shape
        d_last = self.as_states("d_state", d_state, B)
        if d_output is None:
            return None, d_last
        if self.return_sequences:
            d_steps = as_sequences("d_output", d_output, np.dtype(self.dtype))
            self._as_gradient(d_steps, (T, B, H) if self.time_major else (B, T, H))
            return batch_first(d_steps, self.time_major), d_last
        d_last_output = self._as_gradient(d_output, (B, H))
        if isinstance(tape, RaggedTape):
            d_last_output = _rows_of(tape.steps, d_last_output)
        if self.state_count > 1:
            d_last_output = np.concatenate((d_last_output, np.zeros_like(d_last_output)), axis=1)
        if d_last is not None:
            d_last_output = d_last + d_last_output
        return None, np.ascontiguousarray(d_last_output)


def _rows_of(steps: StepOrder, last: Array) -> Array:
    """Return the last outputs (B, H): the last state, or zeros where the output is zero."""
    rows: Array = np.where(steps.state_is_output[:, None], last, last.dtype.type(0))
    return rows
