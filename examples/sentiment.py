"""Tell praise from blame in short reviews, where the same words can say both.

    the soup was superb and nobody would call the waiter rude      praise
    although the soup was superb, the waiter was far from polite   blame

The reviews are not real data. A grammar written for this example makes a few thousand different
ones, so the right answers are known. Words of praise and blame are negated, and if two clauses
contradict each other, the main clause counts. Counts of words, which naive Bayes uses for
comparison, then say little; the order of the words decides.

Reviews have 4 to 25 words; with ``Embedding(mask_zero=True)`` the GRU stops at the end of each. No
review of the test was in training.

    python examples/sentiment.py

It takes a second. The GRU classifies all of 2,000 reviews correctly, naive Bayes 48 to 52 % (seeds
0 to 19). The grammar is small and can be learnt completely: reviews written by people are harder.
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
OPPOSED = [  # clause 0 counts, clause 1 says the opposite
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
    """Return a clause that praises or blames something, half of the time by a negation."""
    negated = bool(rng.integers(2))
    form = rng.choice(NEGATED if negated else PLAIN)
    word = rng.choice(ADJECTIVES[1 - feeling if negated else feeling])
    return str(form.format(noun=rng.choice(NOUNS), adverb=rng.choice(ADVERBS), word=word))


def make_review(feeling: int, rng: np.random.Generator) -> str:
    """Return a review of one or two clauses, with spaces between words and signs."""
    kind = rng.integers(4)
    if kind == 0:
        text = make_clause(feeling, rng)
    elif kind == 1:
        text = rng.choice(ALIKE).format(make_clause(feeling, rng), make_clause(feeling, rng))
    else:
        text = rng.choice(OPPOSED).format(make_clause(feeling, rng), make_clause(1 - feeling, rng))
    return " ".join(text.split())


def make_reviews(count: int, rng: np.random.Generator) -> tuple[list[str], np.ndarray]:
    """Return different reviews, and for each PRAISE or BLAME."""
    reviews: dict[str, int] = {}
    while len(reviews) < count:
        feeling = int(rng.integers(2))
        reviews[make_review(feeling, rng)] = feeling
    return list(reviews), np.array(list(reviews.values()))


def encode(reviews: list[str], indices: dict[str, int]) -> np.ndarray:
    """Return the indices of the words, (reviews, longest), with 0 after the end."""
    return pad_sequences(
        [[indices[word] for word in review.split()] for review in reviews], padding="post"
    )


def naive_bayes(x: np.ndarray, y: np.ndarray, new: np.ndarray, words: int) -> np.ndarray:
    """Return naive Bayes' predictions for new reviews (with add-one smoothing)."""

    def counts(rows: np.ndarray) -> np.ndarray:
        return np.stack([np.bincount(row, minlength=words)[1:] for row in rows])

    known = counts(x)
    in_praise, in_blame = (known[y == feeling].sum(axis=0) + 1 for feeling in (PRAISE, BLAME))
    weights = np.log(in_praise / in_praise.sum()) - np.log(in_blame / in_blame.sum())
    return counts(new) @ weights + np.log(y.mean() / (1 - y.mean())) > 0


def main(arguments: list[str] | None = None) -> dict[str, float]:
    """Train, print the shares of correct predictions and some reviews, and return the shares."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--epochs", type=int, default=10, help="10 by default")
    parser.add_argument("--seed", type=int, default=0, help="of data and weights, 0 by default")
    parser.add_argument("--units", type=int, default=32, help="of the GRU, 32 by default")
    options = parser.parse_args(arguments)

    rng = np.random.default_rng(options.seed)
    reviews, feelings = make_reviews(TRAINING + HELD_OUT, rng)
    vocabulary = sorted({word for review in [*reviews, *SHOWN] for word in review.split()})
    indices = {word: index for index, word in enumerate(vocabulary, start=1)}
    x = encode(reviews, indices)
    known, new = slice(TRAINING), slice(TRAINING, None)

    model = Sequential(seed=options.seed)  # repeatable to the bit
    model.add(Embedding(len(indices) + 1, 16, mask_zero=True))
    model.add(GRU(options.units))
    model.add(Dropout(0.2))
    model.add(Dense(1, activation="sigmoid"))
    steps = options.epochs * -(-TRAINING // BATCH)
    model.compile(Adam(CosineDecay(0.01, steps)), "binary_crossentropy", metrics=["accuracy"])
    model.fit(x[known], feelings[known], batch_size=BATCH, epochs=options.epochs, verbose=2)

    predictions = {
        "GRU": model.predict(x[new], verbose=0)[:, 0] > 0.5,
        "naive Bayes": naive_bayes(x[known], feelings[known], x[new], len(indices) + 1),
    }
    shares = {name: float(np.mean(guess == feelings[new])) for name, guess in predictions.items()}
    print(f"Right, of {HELD_OUT} reviews that were not in training:")
    for name, share in shares.items():
        print(f"  {name:12} {share:.2%}")
    for review, praise in zip(SHOWN, model.predict(encode(SHOWN, indices))[:, 0], strict=True):
        print(f"  {praise:4.0%} praise: {review}")
    return shares


if __name__ == "__main__":
    main()
