"""Needs (需求) of people, households, places and institutions: raised anywhere, answered by whoever can, until they are met (measures 7.5, 6.3, 8.3)."""
