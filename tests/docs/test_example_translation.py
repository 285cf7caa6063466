"""examples/translation.py: its data, its gradients, its decoding and its result."""

import re
import runpy
from datetime import date
from pathlib import Path

import numpy as np
import pytest

EXAMPLE = runpy.run_path(str(Path(__file__).parents[2] / "examples" / "translation.py"))


def batch(count, seed=0):
    known, _ = EXAMPLE["make_data"](count, 10, np.random.default_rng(seed))
    texts, lengths = EXAMPLE["encode"]([text for text, _ in known], EXAMPLE["READ"])
    targets, _ = EXAMPLE["encode"]([iso + "\n" for _, iso in known], EXAMPLE["WRITTEN"])
    return texts, lengths, targets


def test_a_short_run_prints_translations_and_the_share(capsys):
    share = EXAMPLE["main"](["--epochs", "1", "--pairs", "200", "--units", "8"])
    printed = capsys.readouterr().out
    assert len(re.findall(r"^epoch 1: loss [\d.]+, [\d.]+ s$", printed, re.MULTILINE)) == 1
    assert len(re.findall(r"^  \w.* wrong$", printed, re.MULTILINE)) == 10
    assert f"{share:.2%} of 2000 texts of days that were not in training" in printed


def test_the_forms_of_a_day():
    assert EXAMPLE["make_forms"](date(2026, 11, 23)) == [
        "twenty-third of november 2026",
        "monday, nov 23rd, 2026",
        "mon 23 november 2026",
        "november the twenty-third, 2026",
        "23rd nov. 2026",
        "23.11.2026",
        "11/23/2026",
    ]
    ends = [EXAMPLE["make_forms"](date(1999, 1, d))[4].split()[0] for d in (1, 2, 3, 11, 12, 13)]
    assert ends == ["1st", "2nd", "3rd", "11th", "12th", "13th"]
    ordinals = EXAMPLE["ORDINALS"]
    assert len(set(ordinals)) == 31
    assert [ordinals[d - 1] for d in (9, 12, 13, 15, 18, 20, 21, 30, 31)] == [
        *("ninth", "twelfth", "thirteenth", "fifteenth", "eighteenth", "twentieth"),
        *("twenty-first", "thirtieth", "thirty-first"),
    ]


@pytest.mark.parametrize("seed", [0, 1])
def test_no_day_and_no_text_is_in_training_and_held_out(seed):
    known, new = EXAMPLE["make_data"](20_000, 2000, np.random.default_rng(seed))
    assert len(known) == 20_000
    assert len(new) == 2000
    days = {iso for _, iso in new}
    assert len(days) > 1000
    assert days.isdisjoint(iso for _, iso in known)
    # Nor does a held-out day occur in training in any of its other forms.
    forms = {text for iso in days for text in EXAMPLE["make_forms"](date.fromisoformat(iso))}
    assert {text for text, _ in new} <= forms
    assert forms.isdisjoint(text for text, _ in known)


def test_encode_fills_up_behind_the_end():
    places, lengths = EXAMPLE["encode"](["ba", "c"], "\0abc")
    np.testing.assert_array_equal(places, [[2, 1], [3, 0]])
    np.testing.assert_array_equal(lengths, [2, 1])


def test_the_gradients_against_differences():
    translator = EXAMPLE["Translator"](6, seed=0, dtype="float64")
    arguments = batch(5)
    assert len(set(arguments[1])) > 1  # texts of different length
    translator.learn(*arguments)
    gradients = [item.gradient.copy() for item in translator.parameters.items]
    assert len(gradients) == 10
    rng = np.random.default_rng(1)
    for item, gradient in zip(translator.parameters.items, gradients, strict=True):
        assert gradient.any()
        direction = rng.normal(size=item.value.shape) * 1e-5
        expected = (gradient * direction).sum()
        item.value += direction
        above = translator.learn(*arguments)
        item.value -= 2 * direction
        difference = (above - translator.learn(*arguments)) / 2
        item.value += direction
        assert difference == pytest.approx(expected, rel=1e-6, abs=1e-13)


def test_greedy_decoding_is_the_likeliest_letter_after_its_own_letters():
    translator = EXAMPLE["Translator"](8, seed=3)
    translator.head.value("kernel")[:] *= 5  # so that the letters differ
    known, _ = EXAMPLE["make_data"](20, 10, np.random.default_rng(2))
    texts = [text for text, _ in known]
    translations = translator.translate(texts)
    assert translations == [translator.translate([text])[0] for text in texts]
    assert len(set(translations)) > 1
    encode, longest = EXAMPLE["encode"], EXAMPLE["LONGEST"]
    for text, line in zip(texts, translations, strict=True):
        state = translator.read(*encode([text], EXAMPLE["READ"]))
        logits, _ = translator.write(encode(["\n" + line], EXAMPLE["WRITTEN"])[0], state)
        likeliest = "".join(EXAMPLE["WRITTEN"][place] for place in logits[0].argmax(axis=1))
        assert (line + "\n")[:longest] == likeliest[:longest]


@pytest.mark.slow
def test_the_default_run_translates_at_least_95_percent():
    assert EXAMPLE["main"]([]) >= 0.95
