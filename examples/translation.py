"""Translate dates as people write them into ISO 8601, letter by letter, with two GRU layers.

    twenty-third of november 2026  ->  2026-11-23
    monday, nov 23rd, 2026         ->  2026-11-23

A GRU, the encoder, reads a text. A second GRU, the decoder, only gets the last state of the encoder
(I. Sutskever, O. Vinyals, Q. Le, "Sequence to Sequence Learning with Neural Networks", 2014). It
writes one letter after the other until it writes the end. In training the input of each time step
is the correct letter before it ("teacher forcing"), in translation it is the most likely letter of
the step before ("greedy decoding").

The model is not a `Sequential`: the layers' ``forward`` and ``backward`` pass the state from the
encoder to the decoder, and its gradient back. The dates are random days from 1900 to 2099 in seven
forms. The days of the test do not occur in training in any form.

    python examples/translation.py

It takes about a quarter of a minute on two cores. 99.95 to 100 % of 2000 translations are correct
(seeds 1 to 6, each with other days held out; the settings were chosen with seed 0).
"""

from __future__ import annotations

import argparse
import calendar
import time
from datetime import date, timedelta

import numpy as np

from gru_c import GRU, Dense, Embedding, Parameters, pad_sequences
from gru_c.initializers import RandomNormal
from gru_c.losses import SparseCategoricalCrossentropy
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

FIRST, LAST = date(1900, 1, 1), date(2099, 12, 31)
MONTHS = [name.lower() for name in calendar.month_name[1:]]
WEEKDAYS = [name.lower() for name in calendar.day_name]
UNITS = ["first", "second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
TEENS = [f"{stem}teenth" for stem in ("thir", "four", "fif", "six", "seven", "eigh", "nine")]
ORDINALS = [*UNITS, "tenth", "eleventh", "twelfth", *TEENS, "twentieth"]
ORDINALS += [*(f"twenty-{word}" for word in UNITS), "thirtieth", "thirty-first"]

END = "\n"  # ends a translation, and is the decoder's input before the first letter
READ = "\0 ,-./0123456789abcdefghijklmnopqrstuvwxyz"  # index 0 pads shorter texts
WRITTEN = END + "-0123456789"
LONGEST = len("2026-11-23" + END)
BATCH = 64
HELD_OUT = 2000  # number of days, and of texts


def make_forms(day: date) -> list[str]:
    """Return a day in all forms."""
    d, y, month, weekday = day.day, day.year, MONTHS[day.month - 1], WEEKDAYS[day.weekday()]
    suffix = "th" if d in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(d % 10, "th")
    return [
        f"{ORDINALS[d - 1]} of {month} {y}",
        f"{weekday}, {month[:3]} {d}{suffix}, {y}",
        f"{weekday[:3]} {d} {month} {y}",
        f"{month} the {ORDINALS[d - 1]}, {y}",
        f"{d}{suffix} {month[:3]}. {y}",
        f"{d}.{day.month}.{y}",
        f"{day.month}/{d}/{y}",
    ]


def make_pairs(days: list[date], count: int, rng: np.random.Generator) -> list[tuple[str, str]]:
    """Return texts and translations of random days in random forms."""
    chosen = (days[i] for i in rng.integers(len(days), size=count))
    return [(str(rng.choice(make_forms(day))), day.isoformat()) for day in chosen]


def make_data(
    count: int, held_out: int, rng: np.random.Generator
) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """Return pairs for training and pairs for the test, without a common day."""
    days = [FIRST + timedelta(n) for n in range((LAST - FIRST).days + 1)]
    rng.shuffle(days)
    known = make_pairs(days[held_out:], count, rng)
    new = make_pairs(days[:held_out], held_out, rng)
    for seen, unseen in zip(zip(*known, strict=True), zip(*new, strict=True), strict=True):
        assert set(seen).isdisjoint(unseen)  # no common text, no common translation
    return known, new


def encode(texts: list[str], letters: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the letters, with 0 after the end, and the lengths of the texts."""
    indices = {letter: index for index, letter in enumerate(letters)}
    rows = [[indices[letter] for letter in text] for text in texts]
    return pad_sequences(rows, padding="post"), np.array([len(row) for row in rows])


class Translator:
    """An encoder and a decoder, with their embeddings and the head.

    Parameters
    ----------
    units : int
        Units of each GRU.
    seed : int
        Seed of the weights.
    dtype : str
        "float32" or "float64".
    """

    def __init__(self, units: int, seed: int, dtype: str = "float32") -> None:
        rng = np.random.default_rng(seed)
        normal = RandomNormal(stddev=1.0)  # with the default, +-0.05, it learns more slowly
        self.reading = Embedding(len(READ), 32, normal, dtype=dtype)
        self.encoder = GRU(units, dtype=dtype)
        self.writing = Embedding(len(WRITTEN), 16, normal, dtype=dtype)
        self.decoder = GRU(units, return_sequences=True, return_state=True, dtype=dtype)
        self.head = Dense(len(WRITTEN), dtype=dtype)
        shapes = {
            self.reading: (None, None),
            self.encoder: (None, None, 32),
            self.writing: (None, None),
            self.decoder: (None, None, 16),
            self.head: (None, None, units),
        }
        for layer, shape in shapes.items():
            layer.build(shape, rng)
        self.parameters = Parameters(list(shapes))
        self.loss = SparseCategoricalCrossentropy(from_logits=True)

    def read(self, texts: np.ndarray, lengths: np.ndarray, training: bool = False) -> np.ndarray:
        """Return the encoder's states (B, H) after the last letters of texts (B, T)."""
        vectors = self.reading.forward(texts, training=training)
        return self.encoder.forward(vectors, lengths=lengths, training=training)

    def write(
        self, letters: np.ndarray, state: np.ndarray, training: bool = False
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return logits of the next letter after each of the letters (B, T), and the state."""
        vectors = self.writing.forward(letters, training=training)
        hidden, state = self.decoder.forward(vectors, initial_state=state, training=training)
        return self.head.forward(hidden, training=training), state

    def learn(self, texts: np.ndarray, lengths: np.ndarray, targets: np.ndarray) -> float:
        """Compute the gradients of a batch and return its loss."""
        before = np.zeros_like(targets)  # 0 is the index of END
        before[:, 1:] = targets[:, :-1]  # teacher forcing
        logits, _ = self.write(before, self.read(texts, lengths, training=True), training=True)
        loss, d_logits = self.loss.value_and_gradient(targets, logits)

        # The decoder began with the encoder's last state, which is also the encoder's output.
        d_vectors, d_state = self.decoder.backward(self.head.backward(d_logits))
        self.writing.backward(d_vectors)
        self.reading.backward(self.encoder.backward(d_state))
        return loss

    def translate(self, texts: list[str]) -> list[str]:
        """Return the translations; each letter is the most likely one after those before it."""
        state = self.read(*encode(texts, READ))
        letters = np.zeros((len(texts), LONGEST + 1), int)
        for t in range(LONGEST):
            logits, state = self.write(letters[:, t : t + 1], state)
            letters[:, t + 1] = logits[:, 0].argmax(axis=1)
        lines = ["".join(WRITTEN[index] for index in row) for row in letters[:, 1:]]
        return [line.partition(END)[0] for line in lines]


def train(
    translator: Translator, pairs: list[tuple[str, str]], epochs: int, rng: np.random.Generator
) -> None:
    """Train on all pairs in each epoch, while the learning rate falls to 0."""
    texts, lengths = encode([text for text, _ in pairs], READ)
    targets, _ = encode([translation + END for _, translation in pairs], WRITTEN)
    steps = epochs * -(-len(pairs) // BATCH)
    optimizer = Adam(CosineDecay(5e-3, steps), global_clipnorm=1.0)
    for epoch in range(epochs):
        begin, losses = time.perf_counter(), []
        order = rng.permutation(len(pairs))
        for first in range(0, len(pairs), BATCH):
            rows = order[first : first + BATCH]
            longest = lengths[rows].max()
            losses.append(translator.learn(texts[rows, :longest], lengths[rows], targets[rows]))
            optimizer.step(translator.parameters)
        seconds = time.perf_counter() - begin
        print(f"epoch {epoch + 1}: loss {np.mean(losses):.4f}, {seconds:.1f} s", flush=True)


def main(arguments: list[str] | None = None) -> float:
    """Train, print some translations, and return the share of correct ones."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=4, help="4 by default")
    parser.add_argument("--pairs", type=int, default=30_000, help="to learn, 30000 by default")
    parser.add_argument("--units", type=int, default=128, help="of each GRU, 128 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    options = parser.parse_args(arguments)

    rng = np.random.default_rng(options.seed)
    known, new = make_data(options.pairs, HELD_OUT, rng)
    translator = Translator(options.units, options.seed)
    train(translator, known, options.epochs, rng)

    texts, expected = map(list, zip(*new, strict=True))
    translations = translator.translate(texts)
    right = [a == b for a, b in zip(translations, expected, strict=True)]
    for text, translation, good in list(zip(texts, translations, right, strict=True))[:10]:
        print(f"  {text:32}  {translation}  {'' if good else 'wrong'}".rstrip())
    share = float(np.mean(right))
    print(f"{share:.2%} of {len(right)} texts of days that were not in training are exactly right")
    return share


if __name__ == "__main__":
    main()
