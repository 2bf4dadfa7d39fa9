"""Simple models trained on the same split: what the encoder has to beat."""

from collections.abc import Sequence

from sklearn.dummy import DummyClassifier
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline, make_pipeline

from plumbline.accuracy import Agreement
from plumbline.contracts.errors import InvalidDataset
from plumbline.contracts.models import Baseline
from training.fit import Rows


def baselines(train: Rows, test: Rows, categories: Sequence[str], *, balanced: bool, seed: int) -> tuple[Baseline, ...]:
    """The majority class, and TF-IDF of words and pairs of words with logistic regression; on whole texts.

    `balanced` weighs short classes up, as the model's own training then does.
    """
    models = {
        "majority class": DummyClassifier(strategy="most_frequent"),
        "TF-IDF + LR": tfidf(balanced=balanced, seed=seed),
    }
    found = []
    for name, model in models.items():
        model.fit(list(train.texts), list(train.labels))
        agreement = Agreement(categories)
        for gold, predicted in zip(test.labels, model.predict(list(test.texts)), strict=True):
            agreement.add(gold, str(predicted))
        block = agreement.block()
        if block is None:
            raise InvalidDataset("test has no case of a known category")
        found.append(Baseline(name=name, accuracy=block.accuracy, macro_f1=block.macro_f1))
    return tuple(found)


def tfidf(*, balanced: bool, seed: int) -> Pipeline:
    """TF-IDF of words and pairs of words, with logistic regression."""
    return make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced" if balanced else None, random_state=seed),
    )
