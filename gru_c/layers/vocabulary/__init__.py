"""Vocabularies, and the parts that layers with a vocabulary share."""

from gru_c.layers.vocabulary.tokens import (
    INT,
    ONE_HOT,
    TF_IDF,
    Vocabulary,
    VocabularyOptions,
)

__all__ = ["INT", "ONE_HOT", "TF_IDF", "Vocabulary", "VocabularyOptions"]
