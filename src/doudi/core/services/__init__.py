"""Business actions of the rooms' common ground, one module per matter."""
