"""The language of origin of a surname."""
