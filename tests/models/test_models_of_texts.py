"""Models whose first layer takes texts or tokens."""

import copy
import pickle

import numpy as np
import pytest

import gru_c
from gru_c import GRU, Dense, Embedding, Input, Sequential
from gru_c.layers import IntegerLookup, StringLookup, TextVectorization

TEXTS = ["good film", "a bad film", "what a good good film", "so bad"] * 4
LABELS = np.array([1, 0, 1, 0] * 4)


def vectorization(**options):
    layer = TextVectorization(**options)
    layer.adapt(TEXTS)
    return layer


def classifier(*layers):
    model = Sequential(
        [*layers, Embedding(12, 4, mask_zero=True), GRU(3), Dense(1, activation="sigmoid")], seed=2
    )
    model.compile("adam", "binary_crossentropy")
    return model


@pytest.mark.parametrize(
    ("first", "x"),
    [
        ([], TEXTS),
        ([], np.array(TEXTS)[:, None]),
        ([Input(())], np.array(TEXTS, object)),
        ([Input((1,))], [[text] for text in TEXTS]),
    ],
)
def test_a_model_trains_on_texts_as_on_their_indices(first, x):
    model = classifier(*first, vectorization())
    losses = model.fit(x, LABELS, epochs=2, batch_size=16, verbose=0).history["loss"]
    indices = classifier()
    assert indices.fit(vectorization()(TEXTS), LABELS, epochs=2, batch_size=16, verbose=0).history[
        "loss"
    ] == pytest.approx(losses)
    np.testing.assert_array_equal(
        model.predict(x, verbose=0), indices.predict(vectorization()(TEXTS), verbose=0)
    )
    assert model.evaluate(x, LABELS, verbose=0) < losses[0]


def test_batches_sources_and_lone_batches_may_hold_texts():
    model = classifier(vectorization())
    model.fit([(TEXTS[:8], LABELS[:8]), (np.array(TEXTS[8:]), LABELS[8:])], verbose=0)
    model.train_on_batch(TEXTS[:4], LABELS[:4])
    expected = model.predict(TEXTS, verbose=0)
    np.testing.assert_array_equal(model.predict_on_batch(TEXTS[:3]), expected[:3])
    np.testing.assert_array_equal(model(TEXTS[:3]), expected[:3])
    assert model.profile(TEXTS[:3], training=True).rows[0].layer == "text_vectorization"


@pytest.mark.parametrize("mode", ["multi_hot", "count", "tf_idf"])
def test_a_dense_layer_takes_rows_of_the_vocabulary(mode):
    model = Sequential([vectorization(output_mode=mode), Dense(1)], seed=0)
    model.compile("sgd", "mse")
    model.fit(TEXTS, LABELS, verbose=0)
    kernel, bias = model.get_weights()
    expected = model.layers[0](TEXTS) @ kernel + bias
    np.testing.assert_allclose(model.predict(TEXTS, verbose=0), expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (vectorization(), TEXTS),
        (vectorization(ngrams=(1, 2), split="character", max_tokens=11), TEXTS),
        (StringLookup(vocabulary=["a", "b"]), [["a", "c"], ["b", "b"]]),
        (IntegerLookup(vocabulary=[7, 9]), [[7, 8], [9, 9]]),
    ],
)
def test_saved_copied_and_pickled_models_keep_the_vocabulary(layer, x, tmp_path):
    model = classifier(copy.deepcopy(layer))
    model(x)
    model.save(tmp_path / "model.safetensors")
    loaded = gru_c.load_model(tmp_path / "model.safetensors")
    for other in (loaded, copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert other.layers[0].get_vocabulary() == layer.get_vocabulary()
        assert other.layers[0].get_config() == model.layers[0].get_config()
        np.testing.assert_array_equal(other.predict(x, verbose=0), model.predict(x, verbose=0))


def test_tf_idf_weights_are_saved(tmp_path):
    model = Sequential([vectorization(output_mode="tf_idf"), Dense(1)])
    model(TEXTS)
    model.save(tmp_path / "model.safetensors")
    loaded = gru_c.load_model(tmp_path / "model.safetensors")
    np.testing.assert_array_equal(loaded.layers[0](TEXTS), model.layers[0](TEXTS))


def test_a_function_cannot_be_saved(tmp_path):
    model = classifier(vectorization(standardize=lambda texts: texts))
    model(TEXTS)
    with pytest.raises(ValueError, match=r"standardize is .* a function"):
        model.save(tmp_path / "model.safetensors")


def test_a_run_on_texts_is_resumed(tmp_path):
    def train(epochs, resume):
        model = classifier(vectorization())
        path = tmp_path / "run.safetensors"
        model.fit(TEXTS, LABELS, epochs=epochs, verbose=0, checkpoint=path, resume=resume)
        return model.predict(TEXTS, verbose=0)

    expected = train(3, False)
    train(1, False)
    np.testing.assert_array_equal(train(3, True), expected)


def test_an_output_for_each_token_needs_texts_of_one_length():
    def tagger(**options):
        layers = [vectorization(**options), Embedding(12, 4), GRU(2, return_sequences=True)]
        model = Sequential(layers, seed=0)
        model.compile("sgd", "mse")
        return model

    tagger(output_sequence_length=5).fit(TEXTS, np.zeros((16, 5, 2)), verbose=0)
    with pytest.raises(ValueError, match="give layer 'text_vectorization' output_sequence_length"):
        tagger().fit(TEXTS, np.zeros((16, 5, 2)), verbose=0)
    model = tagger()
    model.build((None,))
    with pytest.raises(ValueError, match="give layer 'text_vectorization' output_sequence_length"):
        model.predict(TEXTS, batch_size=8, verbose=0)


@pytest.mark.parametrize("dtype", ["string", str, object])
def test_an_input_may_declare_texts(dtype):
    model = classifier(Input(shape=(1,), dtype=dtype), vectorization())
    assert model.predict(np.array(TEXTS)[:, None], verbose=0).shape == (16, 1)
    message = "layer 'dense' takes numbers, but the Input before it declares texts"
    with pytest.raises(ValueError, match=message):
        Sequential([Input((1,), dtype=dtype), Dense(1)])
    for number in ("int32", "float32"):
        message = "takes texts, but the Input before it declares numbers"
        with pytest.raises(ValueError, match=message):
            Sequential([Input((1,), dtype=number), vectorization()])


def test_predict_returns_what_the_last_layer_gives():
    indices = Sequential([vectorization(output_sequence_length=4)])
    indices.build((None,))
    for batch_size in (5, 16):
        prediction = indices.predict(TEXTS, batch_size=batch_size, verbose=0)
        assert prediction.dtype == np.int64
        np.testing.assert_array_equal(prediction, indices.layers[0](TEXTS))
    shares = Sequential([vectorization(output_mode="tf_idf")])
    shares.build((None,))
    assert shares.predict(TEXTS, verbose=0).dtype == np.float32


def test_other_models_refuse_texts():
    model = classifier()
    with pytest.raises(TypeError, match="x must hold real numbers"):
        model.fit(TEXTS, LABELS)


def test_an_embedding_follows_layers_that_give_indices():
    message = "layer 'embedding' takes whole numbers, which layer 'dense' does not give"
    with pytest.raises(ValueError, match=message):
        Sequential([Dense(3), Embedding(4, 2)])
    with pytest.raises(ValueError, match="which layer 'text_vectorization' does not give"):
        Sequential([vectorization(output_mode="count"), Embedding(4, 2)])


def test_layers_that_give_tokens_are_not_for_models():
    with pytest.raises(ValueError, match="invert=True gives tokens"):
        Sequential([StringLookup(vocabulary=["a"], invert=True)])


def test_a_model_of_texts_cannot_be_streamed():
    model = classifier(vectorization())
    model(TEXTS)
    with pytest.raises(ValueError, match="cannot be streamed"):
        model.stream()
