"""Hushes the libraries, so that the log shows what training says. Needs to run before they are imported."""

import logging
import os
import warnings


def hush() -> None:
    """Only errors of the libraries are shown from here on."""
    os.environ.update(
        {
            "AUTOMM_DISABLE_PROGRESS_BAR": "1",
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            "TOKENIZERS_PARALLELISM": "false",
            "TRANSFORMERS_VERBOSITY": "error",
        }
    )
    warnings.filterwarnings("ignore")
    logging.disable(logging.WARNING)  # AutoGluon and Lightning set their loggers' levels again when imported


def offline() -> None:
    """A local encoder needs no hub, and a machine without network should not wait for one."""
    os.environ.update({"HF_HUB_OFFLINE": "1", "TRANSFORMERS_OFFLINE": "1"})
