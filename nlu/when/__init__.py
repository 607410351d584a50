"""The time grammar: text, locale, now and zone in; ranked time windows out."""

from nlu.when.model import When, Window
from nlu.when.understand import understand_when

__all__ = ["When", "Window", "understand_when"]
