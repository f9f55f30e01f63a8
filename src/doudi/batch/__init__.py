"""Work on whole tables, without Django: dataset contracts, cleaning, ID numbers, tokens, the lake, comparison."""
