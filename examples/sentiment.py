"""Tell praise from blame in short reviews, where the same words can say both.

    the soup was superb and nobody would call the waiter rude      praise
    although the soup was superb, the waiter was far from polite   blame

The reviews are no measured data: a grammar written for this example makes them, a few thousand
different ones, so that what decides is known. Words of praise and blame are negated, and where two
clauses contradict each other, it is the main one that counts. Counts of words, which naive Bayes
is given for comparison, say little then; the order says all.

Reviews have 4 to 25 words; ``Embedding(mask_zero=True)`` has the GRU stop at the end of each. No
review that is judged was in training.

    python examples/sentiment.py

It takes a second and gets all of 2,000 reviews right, naive Bayes 48 to 52 % (seeds 0 to 19). The
grammar is small, and learnt to the end: reviews that people wrote are harder.
"""

from __future__ import annotations

import argparse

import numpy as np

from gru_c import GRU, Dense, Dropout, Embedding, Sequential, pad_sequences
from gru_c.optimizers import Adam
from gru_c.schedules import CosineDecay

PRAISE, BLAME = 1, 0
NOUNS = """soup bread steak pasta salad dessert coffee wine menu sauce room bed view breakfast music
waiter owner service table terrace""".split()
ADJECTIVES = {
    PRAISE: """good great superb lovely fresh perfect delicious charming pleasant excellent
        wonderful polite memorable impressive""".split(),
    BLAME: """bad awful dreadful stale bland cold rude poor dirty horrible disappointing mediocre
        tasteless unpleasant""".split(),
}
ADVERBS = ["", "", "really", "truly", "quite", "simply", "rather", "absolutely"]
ALIKE = ["{0} and {1}", "{0} , {1}", "{0} ; what is more , {1}", "{0} . also , {1}"]
OPPOSED = [  # 0 counts, 1 says the opposite
    "although {1} , {0}",
    "{0} , even though {1}",
    "{1} , but {0}",
    "{0} , despite what one hears : {1}",
    "people say that {1} . not so : {0}",
    "{1} , or so we thought ; in truth {0}",
]
PLAIN = ["the {noun} was {adverb} {word}", "we found the {noun} {adverb} {word}"]
NEGATED = [
    "the {noun} was not {adverb} {word}",
    "the {noun} was never {word}",
    "the {noun} was far from {word}",
    "the {noun} was anything but {word}",
    "nobody would call the {noun} {word}",
]
SHOWN = [
    "the soup was superb and nobody would call the waiter rude",
    "although the soup was superb , the waiter was far from polite",
    "the bread was not bad",
    "people say that the view was horrible . not so : we found the view perfect",
]
TRAINING, HELD_OUT = 4000, 2000
BATCH = 32


def make_clause(feeling: int, rng: np.random.Generator) -> str:
    """Return a clause that praises or blames something, half of them by negating the opposite."""
    negated = bool(rng.integers(2))
    form = rng.choice(NEGATED if negated else PLAIN)
    word = rng.choice(ADJECTIVES[1 - feeling if negated else feeling])
    return str(form.format(noun=rng.choice(NOUNS), adverb=rng.choice(ADVERBS), word=word))


def make_review(feeling: int, rng: np.random.Generator) -> str:
    """Return a review of one or two clauses, words and signs with a space between them."""
    kind = rng.integers(4)
    if kind == 0:
        text = make_clause(feeling, rng)
    elif kind == 1:
        text = rng.choice(ALIKE).format(make_clause(feeling, rng), make_clause(feeling, rng))
    else:
        text = rng.choice(OPPOSED).format(make_clause(feeling, rng), make_clause(1 - feeling, rng))
    return " ".join(text.split())


def make_reviews(count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Return so many different reviews, and for each whether it praises or blames."""
    reviews: dict[str, int] = {}
    while len(reviews) < count:
        feeling = int(rng.integers(2))
        reviews[make_review(feeling, rng)] = feeling
    return list(reviews), np.array(list(reviews.values()))


def encode(reviews: list[str], places: dict[str, int]) -> np.ndarray:
    """Return the places of the words, (reviews, longest), 0 behind the end."""
    return pad_sequences(
        [[places[word] for word in review.split()] for review in reviews], padding="post"
    )


def naive_bayes(x: np.ndarray, y: np.ndarray, new: np.ndarray, words: int) -> np.ndarray:
    """Return what naive Bayes makes of the words of new reviews (add-one smoothing)."""

    def counts(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(row, minlength=words)[1:] for row in rows])

    known = counts(x)
    in_praise, in_blame = (known[y == feeling].sum(axis=0) + 1 for feeling in (PRAISE, BLAME))
    weights = np.log(in_praise / in_praise.sum()) - np.log(in_blame / in_blame.sum())
    return counts(new) @ weights + np.log(y.mean() / (1 - y.mean())) > 0


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, print the shares that are right and a few reviews; return the shares."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=10, help="10 by default")
    parser.add_argument("--seed", type=int, default=0, help="of data and weights, 0 by default")
    parser.add_argument("--units", type=int, default=32, help="of the GRU, 32 by default")
    options = parser.parse_args(arguments)

    rng = np.random.default_rng(options.seed)
    reviews, feelings = make_reviews(TRAINING + HELD_OUT, rng)
    vocabulary = sorted({word for review in [*reviews, *SHOWN] for word in review.split()})
    places = {word: place for place, word in enumerate(vocabulary, start=1)}
    x = encode(reviews, places)
    known, new = slice(TRAINING), slice(TRAINING, None)

    model = Sequential(seed=options.seed)  # repeatable to the bit
    model.add(Embedding(len(places) + 1, 16, mask_zero=True))
    model.add(GRU(options.units))
    model.add(Dropout(0.2))
    model.add(Dense(1, activation="sigmoid"))
    steps = options.epochs * -(-TRAINING // BATCH)
    model.compile(Adam(CosineDecay(0.01, steps)), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[known], feelings[known], batch_size=BATCH, epochs=options.epochs, verbose=2)

    found = {
        "GRU": model.predict(x[new], verbose=0)[:, 0] > 0.5,
        "naive Bayes": naive_bayes(x[known], feelings[known], x[new], len(places) + 1),
    }
    shares = {name: float(np.mean(guess == feelings[new])) for name, guess in found.items()}
    print(f"Right, of {HELD_OUT} reviews that were not in training:")
    for name, share in shares.items():
        print(f"  {name:12} {share:.2%}")
    for review, praise in zip(SHOWN, model.predict(encode(SHOWN, places))[:, 0], strict=True):
        print(f"  {praise:4.0%} praise: {review}")
    return shares


if __name__ == "__main__":
    main()
