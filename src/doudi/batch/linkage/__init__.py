"""Linkage (人员匹配): who is meant by a row without a usable ID number. Declarations in `model`, the two sides in `features`, scores and choice in `predict`,
linked rows for a comparison in `rows`."""

from .features import PEOPLE
from .model import BLOCKING, COMPARISONS, LINK, REVIEW, Chance, Comparison, Level, level_of, settings
from .predict import PAIRS, SETTLED, Thresholds, Waiting, pairs
from .rows import LINKS, LinkedLake, waiting_rows, with_linked

__all__ = [
    "BLOCKING", "COMPARISONS", "LINK", "LINKS", "PAIRS", "PEOPLE", "REVIEW", "SETTLED", "Chance", "Comparison", "Level", "LinkedLake", "Thresholds",
    "Waiting", "level_of", "pairs", "settings", "waiting_rows", "with_linked",
]  # fmt: skip
