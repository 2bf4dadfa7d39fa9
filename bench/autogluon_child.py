"""AutoGluon's side of bench.predict_latency, run by the training environment's Python.

Arguments: the predictor's folder, and `predict` or `realtime`. Texts come as a JSON list over standard input; the last
line of the output is `{"cold": s, "warm": [s, …], "mb": peak}`.
"""

import importlib
import json
import sys
import time
from pathlib import Path


def main() -> None:
    """Load, answer each text, say how long it took."""
    folder, how = sys.argv[1:3]
    texts = json.load(sys.stdin)
    started = time.perf_counter()
    from training import quiet  # noqa: PLC0415 - imports are part of a cold start

    quiet.hush()
    importlib.import_module("training.torchvision_ops")  # has to come before AutoGluon
    import pandas as pd  # noqa: PLC0415
    from autogluon.multimodal import MultiModalPredictor  # noqa: PLC0415

    predictor = MultiModalPredictor.load(folder, verbosity=0)
    options = {"realtime": True} if how == "realtime" else {}
    taken: list[float] = []
    for text in texts:
        before = time.perf_counter() if taken else started
        predictor.predict(pd.DataFrame({"text": [text]}), **options)
        taken.append(time.perf_counter() - before)
    sys.stdout.write("\n" + json.dumps({"cold": taken[0], "warm": taken[1:], "mb": _peak_mb()}) + "\n")


def _peak_mb() -> float:
    """As bench.measuring has it, whose libraries are not in this environment."""
    status = Path("/proc/self/status").read_text(encoding="ascii")
    return int(next(line for line in status.splitlines() if line.startswith("VmHWM")).split()[1]) * 1024 / 1e6


if __name__ == "__main__":
    main()
