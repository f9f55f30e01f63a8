"""The synthetic county: plausible people, households and departments' files with a truth table, and a bank that pays them."""

from .bank import bank_results
from .county import Summary, generate
from .divisions import load_villages
from .scoring import Score, score

__all__ = ["Score", "Summary", "bank_results", "generate", "load_villages", "score"]
