"""A peer of bench.accuracy, run by the training environment's Python.

Arguments: `tfidf`, `minilm` or `setfit`, the dataset's folder, and SetFit's steps. The last line of the output is
`{"predicted": [category, …]}` for the test cases in their order, or `{"missing": why}`.
"""

import importlib
import importlib.util
import json
import sys
from pathlib import Path
from typing import Any

_TOKENS = 256


def main() -> None:
    """Learn from train and validation, predict test."""
    peer, folder, steps = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    from training import quiet  # noqa: PLC0415

    quiet.hush()
    quiet.offline()
    if peer != "tfidf":
        importlib.import_module("training.torchvision_ops")  # before what imports torchvision
    if peer == "setfit" and importlib.util.find_spec("setfit") is None:
        answer: dict[str, Any] = {"missing": "pip install --no-deps setfit==1.2.0 sentence-transformers==5.6.0"}
    else:
        train = [row for split in ("train", "validation") for row in _rows(folder, split)]
        test = [row["text"] for row in _rows(folder, "test")]
        texts, labels = [row["text"] for row in train], [row["category"] for row in train]
        learn = {"tfidf": _tfidf, "minilm": _minilm}.get(peer)
        found = learn(texts, labels, test) if learn else _setfit(texts, labels, test, steps)
        answer = {"predicted": [str(category) for category in found]}
    sys.stdout.write("\n" + json.dumps(answer) + "\n")


def _rows(folder: Path, split: str) -> list[dict[str, str]]:
    return [json.loads(line) for line in (folder / split / f"{split}.jsonl").read_text("utf-8").splitlines()]


def _tfidf(texts: list[str], labels: list[str], test: list[str]) -> list[str]:
    from sklearn.feature_extraction.text import TfidfVectorizer  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from sklearn.pipeline import make_pipeline  # noqa: PLC0415

    model = make_pipeline(
        TfidfVectorizer(sublinear_tf=True, ngram_range=(1, 2)),
        LogisticRegression(C=10.0, max_iter=2000, class_weight="balanced"),
    )
    found: list[str] = model.fit(texts, labels).predict(test).tolist()
    return found


def _minilm(texts: list[str], labels: list[str], test: list[str]) -> list[str]:
    import numpy as np  # noqa: PLC0415
    import torch  # noqa: PLC0415
    from sklearn.linear_model import LogisticRegression  # noqa: PLC0415
    from transformers import AutoModel, AutoTokenizer  # noqa: PLC0415

    folder = _encoder()
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModel.from_pretrained(folder).eval()

    def embedded(some: list[str]) -> Any:
        vectors = []
        for start in range(0, len(some), 16):
            batch = tokenizer(
                some[start : start + 16], truncation=True, max_length=_TOKENS, padding=True, return_tensors="pt"
            )
            with torch.inference_mode():
                hidden = model(**batch).last_hidden_state
            mask = batch["attention_mask"][..., None]
            vectors.append(torch.nn.functional.normalize((hidden * mask).sum(1) / mask.sum(1)).numpy())
        return np.concatenate(vectors)

    probe = LogisticRegression(C=3.0, max_iter=3000, class_weight="balanced").fit(embedded(texts), labels)
    found: list[str] = probe.predict(embedded(test)).tolist()
    return found


def _setfit(texts: list[str], labels: list[str], test: list[str], steps: int) -> list[str]:
    from datasets import Dataset  # noqa: PLC0415
    from setfit import SetFitModel, Trainer, TrainingArguments  # noqa: PLC0415

    names = sorted(set(labels))
    model = SetFitModel.from_pretrained(_encoder())
    model.model_body.max_seq_length = _TOKENS // 2
    arguments = TrainingArguments(
        batch_size=16, max_steps=steps, num_epochs=1, report_to="none", save_strategy="no", seed=0
    )
    data = Dataset.from_dict({"text": texts, "label": [names.index(label) for label in labels]})
    Trainer(model=model, args=arguments, train_dataset=data).train()
    return [names[int(number)] for number in model.predict(test)]


def _encoder() -> str:
    from training.encoders import resolve  # noqa: PLC0415

    return resolve("minilm").checkpoint


if __name__ == "__main__":
    main()
