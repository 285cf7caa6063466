"""Recognise nine speakers by two vowels: sequences of different lengths.

Each sample is an utterance of a Japanese man who says /ae/: 7 to 29 time steps with 12 coefficients
of a linear prediction of the sound. The model gets them as a list of arrays; two Bidirectional GRUs
read each of them exactly to its end.

    python examples/speakers.py

It takes three seconds and recognises 97.6 to 98.6 % of the test utterances (seeds 0 to 19; 98.1 %
on average). The settings were chosen on the training set alone, in three folds with 20 utterances
of each speaker for learning and 10 for testing.

Data: "Japanese Vowels", 270 utterances for training and 370 of other recordings for testing, by M.
Kudo, J. Toyama, M. Shimbo: "Multidimensional curve classification using passing-through regions",
Pattern Recognition Letters 20, 1999. UCI Machine Learning Repository, doi:10.24432/C5NS47, licence
CC BY 4.0; read from the package sktime.
"""

from __future__ import annotations

import argparse

import numpy as np

from gru_c import GRU, Bidirectional, Dense, Dropout, Sequential
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

try:
    from sktime.datasets import load_japanese_vowels
except ImportError as error:
    raise SystemExit(f'{error}: run pip install "gru_c[examples]"') from error

SPEAKERS = 9
BATCH = 16


def load(split: str) -> tuple[list[np.ndarray], np.ndarray]:
    """Return the utterances (time, 12) of a split, "train" or "test", and their speakers."""
    table, speakers = load_japanese_vowels(split=split)
    utterances = [np.column_stack(list(row)) for row in table.to_numpy()]
    return utterances, speakers.astype(int) - 1


def build_model(units: int, steps: int, seed: int) -> Sequential:
    """Return a compiled model whose learning rate falls to 0 over the optimizer's steps."""
    model = Sequential(seed=seed)  # repeatable to the bit
    model.add(Bidirectional(GRU(units, return_sequences=True)))
    model.add(Dropout(0.5))
    model.add(Bidirectional(GRU(units)))
    model.add(Dropout(0.5))
    model.add(Dense(SPEAKERS, activation="softmax"))
    model.compile(
        Adam(CosineDecay(0.003, steps), global_clipnorm=1.0),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def show(confusion: np.ndarray) -> None:
    """Print the confusion matrix."""
    print("Rows: who spoke; columns: who it was taken for")
    print("    " + "".join(f"{speaker:4}" for speaker in range(1, SPEAKERS + 1)))
    for speaker, row in enumerate(confusion, start=1):
        print(f"{speaker:4}" + "".join(f"{count or '.':>4}" for count in row))


def main(arguments: list[str] | None = None) -> float:
    """Train, print the confusion matrix, and return the accuracy."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=40, help="40 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--units", type=int, default=32, help="of each direction, 32 by default")
    options = parser.parse_args(arguments)

    known, speakers = load("train")
    steps = np.concatenate(known)
    mean, deviation = steps.mean(axis=0), steps.std(axis=0)
    x = [(utterance - mean) / deviation for utterance in known]
    model = build_model(options.units, options.epochs * -(-len(x) // BATCH), options.seed)
    # bucket: batches of utterances of similar length, each as long as its longest one
    model.fit(x, speakers, batch_size=BATCH, epochs=options.epochs, bucket=True, verbose=2)

    new, speakers = load("test")
    probabilities = model.predict([(utterance - mean) / deviation for utterance in new], verbose=0)
    confusion = np.zeros((SPEAKERS, SPEAKERS), int)
    np.add.at(confusion, (speakers, probabilities.argmax(axis=1)), 1)
    show(confusion)
    accuracy = float(np.trace(confusion) / len(new))
    print(f"{np.trace(confusion)} of {len(new)} right: {accuracy:.1%}")
    return accuracy


if __name__ == "__main__":
    main()
