"""Business actions of payments, one module per matter."""
