"""Business actions of the protection of minors."""

from doudi.protection.services.assigning import able, add_helper, hand_on, place, release_helper, take
from doudi.protection.services.closing import CloseReason, close_case, reopen_case
from doudi.protection.services.filing import Filed, Merge, open_file, save_section
from doudi.protection.services.gaps import begin_gap, end_gap
from doudi.protection.services.intake import Minor, open_case

__all__ = [
    "CloseReason", "Filed", "Merge", "Minor", "able", "add_helper", "begin_gap", "close_case", "end_gap", "hand_on", "open_case", "open_file", "place",
    "release_helper", "reopen_case", "save_section", "take",
]  # fmt: skip
