"""SummarizePredictions: one day's predictions in figures, and a word to others when they drift.

Reading order: `run` (the stage), `tally` (the counts of one day), `drift` (the statistic and its threshold). Nothing
here reads a case's text: predictions have none.
"""

from plumbline.summarize_predictions.run import DRIFT_EVENT, summarize_predictions

__all__ = ["DRIFT_EVENT", "summarize_predictions"]
