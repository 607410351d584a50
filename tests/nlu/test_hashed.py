"""Counting one text gives what the vectorizers give that the models were trained with."""

import numpy as np
import pytest
from sklearn.feature_extraction.text import HashingVectorizer

from nlu.pipeline.hashed import Counter

TEXTS = ["", "a", "haircut haircut with ana", "cest possible demain ou apres demain", "ñandú 東京 9:30", "x" * 300]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("places", [2**13, 2**22])
@pytest.mark.parametrize(
    "how",
    [
        {"analyzer": "char_wb", "ngram_range": (1, 4)},
        {"analyzer": "word", "ngram_range": (1, 2), "tokenizer": str.split, "token_pattern": None},
    ],
    ids=["letters", "words"],
)
def test_one_text_is_counted_as_among_many(text: str, places: int, how: dict[str, object]) -> None:
    vectorizer = HashingVectorizer(norm=None, alternate_sign=False, n_features=places, **how)
    row = vectorizer.transform([text])
    row.sum_duplicates()
    row.sort_indices()
    found, counts = Counter(vectorizer)(text)
    assert np.array_equal(found, row.indices)
    assert np.array_equal(counts, row.data)
