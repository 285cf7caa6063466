"""gru_forward and gru_backward where not every step counts."""

import numpy as np
import pytest
import specification
from hypothesis import given, settings
from hypothesis import strategies as st
from tools import (
    assert_all_same_bits,
    assert_close,
    assert_same_bits,
    random_arguments,
    random_gradients,
)

from gru_c import RaggedTape, gru_backward, gru_forward
from gru_c._core import ENGINES

TOLERANCES = {np.float32: 2e-5, np.float64: 1e-12}
SIZES = st.tuples(
    st.sampled_from([1, 2, 5, 16, 33]),
    st.sampled_from([1, 2, 7, 16, 40]),
    st.sampled_from([1, 3, 16]),
    st.sampled_from([1, 7, 16, 33]),
)
each_engine = pytest.mark.usefixtures("engine")


def random_lengths(B, T, seed=0):
    """Return lengths from 0 to T, which include 0 and T if there are enough rows."""
    lengths = np.random.default_rng(seed).integers(0, T + 1, B)
    lengths[:2] = [0, T][: len(lengths)]
    return np.random.default_rng(seed).permutation(lengths)


def mask_of(lengths, T):
    return np.arange(T) < np.asarray(lengths)[:, None]


def random_mask(B, T, share, seed=0):
    """Holes and all; the first row has no step that counts, the second one has all of them."""
    mask = np.random.default_rng(seed).random((B, T)) < share
    mask[:1], mask[1:2] = False, True
    return mask


def alone(arguments, row):
    """The arguments with that row only."""
    batched = {"x", "initial_state"}
    return {
        name: array[row : row + 1] if name in batched and array is not None else array
        for name, array in arguments.items()
    }


# ---- the specification --------------------------------------------------------------------------


@each_engine
@settings(max_examples=120)
@given(
    sizes=SIZES,
    share=st.sampled_from([None, 0.05, 0.5, 0.9]),
    dtype=st.sampled_from(list(TOLERANCES)),
    bias=st.booleans(),
    initial_state=st.booleans(),
    training=st.booleans(),
    reset_after=st.booleans(),
    go_backwards=st.booleans(),
    zero_output=st.booleans(),
    seed=st.integers(0, 3),
)
def test_forward_is_the_specification(
    sizes, share, dtype, bias, initial_state, training, zero_output, seed, **variant
):
    B, T, _, _ = sizes
    arguments = random_arguments(
        *sizes,
        dtype=dtype,
        reset_after=variant["reset_after"],
        bias=bias,
        initial_state=initial_state,
    )
    lengths = random_lengths(B, T, seed)
    mask = mask_of(lengths, T) if share is None else random_mask(B, T, share, seed)
    expected = specification.gru(*arguments.values(), **variant, mask=mask, zero_output=zero_output)
    arguments["x"][~mask] = np.nan  # which is not read
    said = {"lengths": lengths} if share is None else {"mask": mask}
    result = gru_forward(
        **arguments, **variant, **said, zero_output_for_mask=zero_output, training=training
    )
    assert result.output.dtype == result.state.dtype == dtype
    assert_close(result.output, expected[0], TOLERANCES[dtype])
    assert_close(result.state, expected[1], TOLERANCES[dtype])


@each_engine
@settings(max_examples=60)
@given(
    sizes=SIZES,
    share=st.sampled_from([None, 0.5]),
    bias=st.booleans(),
    initial_state=st.booleans(),
    reset_after=st.booleans(),
    go_backwards=st.booleans(),
    zero_output=st.booleans(),
    source=st.sampled_from(["d_output", "d_state", "both"]),
)
def test_gradients_along_random_directions(
    sizes, share, bias, initial_state, zero_output, source, **variant
):
    B, T, _, H = sizes
    arguments = random_arguments(
        *sizes, reset_after=variant["reset_after"], bias=bias, initial_state=initial_state
    )
    mask = mask_of(random_lengths(B, T), T) if share is None else random_mask(B, T, share)
    tape = gru_forward(
        **arguments, **variant, mask=mask, zero_output_for_mask=zero_output, training=True
    ).tape
    given_ = dict(zip(("d_output", "d_state"), random_gradients(B, T, H), strict=True))
    given_ = given_ if source == "both" else {source: given_[source]}
    gradients = gru_backward(tape, **given_)
    pair = [given_.get(name, 0.0) for name in ("d_output", "d_state")]
    rng = np.random.default_rng(2)
    for name in [name for name, array in arguments.items() if array is not None]:
        gradient = getattr(gradients, name)
        direction = rng.normal(size=gradient.shape)
        expected = specification.derivative(
            arguments, {name: direction}, *pair, **variant, mask=mask, zero_output=zero_output
        )
        terms = gradient * direction
        assert abs(terms.sum() - expected) <= 1e-11 * max(np.abs(terms).sum(), 1), name
    assert not gradients.x[~mask].any()


def test_gradients_against_central_differences():
    """Return finite differences of the package's forward pass, without the specification."""
    arguments = random_arguments(4, 6, 3, 5)
    mask, (d_output, d_state) = random_mask(4, 6, 0.5), random_gradients(4, 6, 5)
    tape = gru_forward(**arguments, mask=mask, training=True).tape
    gradients = gru_backward(tape, d_output, d_state)
    rng = np.random.default_rng(3)
    for name, array in arguments.items():
        direction = rng.normal(size=array.shape)
        ends = []
        for step in (1e-5, -1e-5):
            result = gru_forward(**{**arguments, name: array + step * direction}, mask=mask)
            ends.append((result.output * d_output).sum() + (result.state * d_state).sum())
        expected = (ends[0] - ends[1]) / 2e-5
        actual = (getattr(gradients, name) * direction).sum()
        assert actual == pytest.approx(expected, rel=1e-6), name


@each_engine
@pytest.mark.parametrize("keep_tape", [True, False])
def test_the_gradient_of_every_state(keep_tape):
    arguments, lengths = random_arguments(5, 9, 3, 7), random_lengths(5, 9)
    d_output, d_state = random_gradients(5, 9, 7)
    tape = gru_forward(**arguments, lengths=lengths, training=True).tape
    mask = mask_of(lengths, 9)
    hidden = gru_backward(
        tape, d_output * mask[..., None], d_state, keep_tape=keep_tape, d_hidden=True
    ).hidden
    assert not hidden[~mask].any()
    for row, length in enumerate(lengths):
        result = gru_forward(
            **{**alone(arguments, row), "x": arguments["x"][row : row + 1, :length]}, training=True
        )
        one = slice(row, row + 1)
        expected = gru_backward(result.tape, d_output[one, :length], d_state[one], d_hidden=True)
        assert_close(hidden[one, :length], expected.hidden, 1e-13)


# ---- bits ---------------------------------------------------------------------------------------


@pytest.mark.usefixtures("isa")
@pytest.mark.parametrize("dtype", list(TOLERANCES))
@pytest.mark.parametrize("go_backwards", [False, True])
@pytest.mark.parametrize("training", [False, True])
def test_a_row_is_that_of_the_row_alone(dtype, go_backwards, training):
    B, T, H = 40, 30, 33
    arguments, mask = random_arguments(B, T, 5, H, dtype=dtype), random_mask(B, T, 0.6)
    d_output, d_state = random_gradients(B, T, H, dtype=dtype)
    options = {"go_backwards": go_backwards, "training": training, "engine": "packed"}
    result = gru_forward(**arguments, mask=mask, **options, zero_output_for_mask=True)
    gradients = gru_backward(result.tape, d_output, d_state) if training else None
    for row in range(B):
        counts = mask[row]
        one = alone(arguments, row)
        expected = gru_forward(**{**one, "x": one["x"][:, counts]}, **options)
        taken = counts[::-1] if go_backwards else counts
        assert_same_bits(result.output[row : row + 1, taken], expected.output)
        assert_same_bits(result.state[row : row + 1], expected.state)
        if training:
            d_row = gru_backward(
                expected.tape, d_output[row : row + 1, taken], d_state[row : row + 1]
            )
            assert_same_bits(gradients.x[row : row + 1, counts], d_row.x)
            assert_same_bits(gradients.initial_state[row : row + 1], d_row.initial_state)


@each_engine
@pytest.mark.parametrize("sizes", [(64, 50, 16, 64), (3, 40, 5, 130)], ids=str)
def test_the_same_bits_with_any_number_of_threads(sizes):
    B, T, _, H = sizes
    arguments, mask = random_arguments(*sizes, dtype=np.float32), random_mask(B, T, 0.6)
    d_output, d_state = random_gradients(B, T, H, dtype=np.float32)
    found = []
    for threads in (1, 2, 3):
        result = gru_forward(**arguments, mask=mask, training=True, num_threads=threads)
        found.append((result, gru_backward(result.tape, d_output, d_state)))
    for results in found[1:]:
        for actual, expected in zip(results, found[0], strict=True):
            assert_all_same_bits(actual, expected)


def test_all_steps_counting_is_as_if_nothing_was_said():
    arguments = random_arguments(3, 5, 2, 4)
    plain = gru_forward(**arguments, training=True)
    for said in ({"lengths": [5, 5, 5]}, {"mask": np.ones((3, 5), bool)}):
        result = gru_forward(**arguments, **said, training=True)
        assert_all_same_bits(result, plain)
        assert type(result.tape) is type(plain.tape)


def test_a_mask_and_its_lengths_are_the_same():
    arguments, lengths = random_arguments(6, 9, 3, 5), random_lengths(6, 9)
    d_output, d_state = random_gradients(6, 9, 5)
    results = [
        gru_forward(**arguments, **said, training=True)
        for said in ({"lengths": lengths}, {"mask": mask_of(lengths, 9)})
    ]
    assert_all_same_bits(*results)
    assert_all_same_bits(*(gru_backward(result.tape, d_output, d_state) for result in results))


@each_engine
def test_a_batch_without_a_step_that_counts():
    arguments = random_arguments(3, 5, 2, 4)
    result = gru_forward(**arguments, lengths=[0, 0, 0], training=True)
    assert_same_bits(result.state, arguments["initial_state"])
    assert not result.output.any()
    d_output, d_state = random_gradients(3, 5, 4)
    gradients = gru_backward(result.tape, d_output, d_state)
    assert_same_bits(gradients.initial_state, d_state)
    assert not any(np.any(g) for g in gradients[:4])


@each_engine
@pytest.mark.parametrize("every", [None, 1])
def test_steps_without_features(every):
    """Without features the results are those of features whose weights are zero."""
    given = {"lengths": [4, 0, 2], "training": True, "checkpoint_every": every}
    results = []
    for features in (0, 2):
        arguments = random_arguments(3, 4, 2, 5)
        arguments["x"] = arguments["x"][:, :, :features]
        arguments["kernel"] = 0 * arguments["kernel"][:features]
        forward = gru_forward(**arguments, **given)
        back = gru_backward(forward.tape, *random_gradients(3, 4, 5))
        assert back.x.shape == (3, 4, features)
        assert back.kernel.shape == (features, 15)
        results.append([forward.output, forward.state, *back[2:]])
    for ours, expected in zip(*results, strict=True):
        assert_close(ours, expected, 1e-14)


@each_engine
@pytest.mark.parametrize("every", [1, 2, "auto"])
def test_checkpoints_give_the_gradients_of_all_gates_kept(every):
    arguments, gradients = random_arguments(5, 7, 3, 4), random_gradients(5, 7, 4)
    kept, again = (
        gru_forward(**arguments, lengths=[7, 0, 3, 1, 7], training=True, checkpoint_every=given)
        for given in (None, every)
    )
    assert_same_bits(again.output, kept.output)
    pairs = zip(
        gru_backward(again.tape, *gradients), gru_backward(kept.tape, *gradients), strict=True
    )
    for ours, expected in pairs:
        assert_close(ours, expected, 1e-12)


def test_any_order_in_memory():
    arguments, lengths = random_arguments(6, 9, 3, 5), random_lengths(6, 9)
    expected = gru_forward(**arguments, lengths=lengths)
    arguments["x"] = np.asfortranarray(arguments["x"])
    assert_all_same_bits(gru_forward(**arguments, lengths=lengths[:, None][:, 0]), expected)


# ---- a peer -------------------------------------------------------------------------------------


@pytest.mark.parametrize("dtype", list(TOLERANCES))
def test_torch_packed_sequences_compute_the_same(dtype):
    torch = pytest.importorskip("torch")
    from torch.nn.utils import rnn

    B, T, I, H = 12, 15, 4, 9
    arguments = random_arguments(B, T, I, H, dtype=dtype)
    lengths = np.maximum(random_lengths(B, T), 1)  # PyTorch has no empty sequences
    d_output, d_state = random_gradients(B, T, H, dtype=dtype)
    d_output *= mask_of(lengths, T)[..., None]

    def exchange(array):
        """z, r, n to r, z, n or back, along the last axis."""
        z, r, n = np.split(array, 3, axis=-1)
        return np.concatenate([r, z, n], axis=-1)

    peer = torch.nn.GRU(I, H, batch_first=True, dtype=getattr(torch, dtype.__name__))
    biases = exchange(arguments["bias"])
    weights = {
        "weight_ih_l0": exchange(arguments["kernel"]).T,
        "weight_hh_l0": exchange(arguments["recurrent_kernel"]).T,
        "bias_ih_l0": biases[0],
        "bias_hh_l0": biases[1],
    }
    peer.load_state_dict({name: torch.tensor(array.copy()) for name, array in weights.items()})
    x = torch.tensor(arguments["x"], requires_grad=True)
    h = torch.tensor(arguments["initial_state"][None], requires_grad=True)
    packed = rnn.pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False)
    packed_output, peer_state = peer(packed, h)
    peer_output, _ = rnn.pad_packed_sequence(packed_output, batch_first=True, total_length=T)
    torch.autograd.backward(
        [peer_output, peer_state], [torch.tensor(d_output), torch.tensor(d_state[None])]
    )

    result = gru_forward(**arguments, lengths=lengths, zero_output_for_mask=True, training=True)
    gradients = gru_backward(result.tape, d_output, d_state)
    tolerance = {np.float32: 1e-5, np.float64: 1e-12}[dtype]
    assert_close(result.output, peer_output.detach().numpy(), tolerance)
    assert_close(result.state, peer_state[0].detach().numpy(), tolerance)
    assert_close(gradients.x, x.grad.numpy(), tolerance)
    assert_close(gradients.initial_state, h.grad[0].numpy(), tolerance)
    for name, gradient in (
        ("weight_ih_l0", gradients.kernel.T),
        ("weight_hh_l0", gradients.recurrent_kernel.T),
        ("bias_ih_l0", gradients.bias[0]),
        ("bias_hh_l0", gradients.bias[1]),
    ):
        expected = exchange(getattr(peer, name).grad.numpy().T)
        assert_close(gradient, expected.T, tolerance)


# ---- tapes --------------------------------------------------------------------------------------


def test_a_tape_serves_again_unless_it_is_used_up():
    arguments, lengths = random_arguments(6, 9, 3, 5), random_lengths(6, 9)
    d_output, d_state = random_gradients(6, 9, 5)
    tape = gru_forward(**arguments, lengths=lengths, training=True).tape
    assert isinstance(tape, RaggedTape)
    first = gru_backward(tape, d_output, d_state)
    assert_all_same_bits(gru_backward(tape, d_output, d_state, keep_tape=False), first)
    with pytest.raises(ValueError, match="used up"):
        gru_backward(tape, d_output, d_state)
    assert repr(tape).startswith("<RaggedTape of 6 sequences, ")


@pytest.mark.parametrize("engine", list(ENGINES))
def test_memory_that_is_used_again_changes_nothing(engine):
    big, small = random_arguments(20, 30, 8, 16), random_arguments(6, 9, 3, 5)
    lengths, results = random_lengths(6, 9), []
    for arguments, steps in ((small, 9), (big, 30), (small, 9)):
        B = len(arguments["x"])
        said = lengths if B == 6 else random_lengths(B, steps)
        result = gru_forward(**arguments, lengths=said, training=True, engine=engine)
        results.append((result, gru_backward(result.tape, result.output, keep_tape=False)))
    for actual, expected in zip(results[0], results[2], strict=True):
        assert_all_same_bits(actual, expected)
