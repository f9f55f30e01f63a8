"""Business actions of relief; one file per part."""
