"""Quiet and private: imported before Rasa; no telemetry, no message text in any log."""

import contextlib
import importlib
import logging
import os
import warnings
from collections.abc import Iterator

import structlog

#: Loggers of Rasa and of what it brings along; they only speak of trouble.
_TALKATIVE = ("rasa", "matplotlib", "tensorflow", "absl", "apscheduler", "sanic")


@contextlib.contextmanager
def hushed() -> Iterator[None]:
    """Keep the warnings of Rasa and its libraries to themselves: none of them is ours to mend."""
    before = logging.root.manager.disable
    logging.disable(logging.ERROR)
    try:
        # Recorded and forgotten: a library that sets its own filters would get past ours.
        with warnings.catch_warnings(record=True):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(before)


def keep_quiet() -> None:
    """Turn telemetry off, and every log line that could hold what a customer wrote."""
    os.environ["RASA_TELEMETRY_ENABLED"] = "false"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "-1")
    os.environ.setdefault("TQDM_DISABLE", "1")
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.WARNING)
    # Rasa hands message texts to structlog at debug level, which prints everything until configured.
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR), cache_logger_on_first_use=False
    )


keep_quiet()
with hushed():
    importlib.import_module("rasa.core.processor")
keep_quiet()
