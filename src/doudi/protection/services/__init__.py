"""Business actions of the protection of minors."""

from doudi.protection.services.assigning import able, add_helper, hand_on, release_helper, take
from doudi.protection.services.filing import Filed, Merge, open_file, save_section
from doudi.protection.services.intake import Minor, open_case

__all__ = ["Filed", "Merge", "Minor", "able", "add_helper", "hand_on", "open_case", "open_file", "release_helper", "save_section", "take"]
