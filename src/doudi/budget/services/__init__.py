"""Business actions of the budget."""
