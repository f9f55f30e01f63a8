"""The synthetic county: plausible people, households and departments' files with a truth table, and a bank that pays them."""

from .bank import bank_results
from .county import Summary, generate
from .divisions import load_villages

__all__ = ["Summary", "bank_results", "generate", "load_villages"]
