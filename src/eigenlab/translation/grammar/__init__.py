"""A grammar of Spanish and English that writes both sides of a sentence pair at once."""
