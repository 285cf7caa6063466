"""The page of promises: its quotes are on their pages, and the tests that it names exist."""

import ast
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGE = DOCS / "promises.md"
ABOUT_BITS = re.compile(r"(?i)to the bit\b|bit-identical|bit for bit|same bits")

pytestmark = pytest.mark.skipif(not DOCS.is_dir(), reason="needs the documentation")


def plain(text):
    """Return text without marks of emphasis, in one line."""
    return " ".join(text.replace("**", "").split())


def rows():
    """Return the promise, the page and the tests of each line of the tables."""
    lines = [
        line for line in PAGE.read_text().splitlines() if re.match(r"\| (?!promise|---)", line)
    ]
    cells = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    return [
        (promise, page, re.findall(r"`(tests/[^`]+)`", tests)) for promise, page, tests in cells
    ]


ROWS = rows() if DOCS.is_dir() else []


def functions_of(path):
    return {node.name for node in ast.walk(ast.parse(path.read_text())) if hasattr(node, "name")}


@pytest.mark.parametrize(("promise", "page", "tests"), ROWS, ids=[row[0][:60] for row in ROWS])
def test_each_promise_is_quoted_and_has_tests(promise, page, tests):
    assert plain(promise) in plain((DOCS / page).read_text()), f"{page} does not say so"
    assert tests, "no test is named"
    for name in tests:
        file, _, function = name.partition("::")
        path = ROOT / file
        assert path.is_dir() or path.is_file(), f"there is no {file}"
        if path.is_file():
            names = functions_of(path)
            assert function in names if function else any(n.startswith("test_") for n in names)


# Sentences that refer to others, and a heading.
NOT_PROMISES = [
    "## The same bits",
    "[The same bits]",
    "Three things can change",
    "has the same bits in every run",
    "not bit for bit",
]


@pytest.mark.parametrize(
    "page",
    [
        "index.md",
        "features.md",
        "engine.md",
        *(f"guides/{p.name}" for p in sorted(DOCS.glob("guides/*.md"))),
    ],
)
def test_each_sentence_about_bits_is_a_promise(page):
    quotes = [plain(promise) for promise, where, _ in ROWS if where == page]
    text = plain((DOCS / page).read_text())
    for match in ABOUT_BITS.finditer(text):
        around = text[max(0, match.start() - 200) : match.end() + 200]
        here = match.start() - max(0, match.start() - 200)
        covered = any(
            around.find(quote) - 60 <= here <= around.find(quote) + len(quote) + 60
            for quote in quotes
            if quote in around
        )
        known = any(words in around[max(0, here - 60) : here + 120] for words in NOT_PROMISES)
        assert covered or known, f"{page} promises without a test: ...{around}..."
