"""An experiment whose middle stage trains, for tests that kill it."""

TITLE = "A training"
QUESTIONS = ("9c",)
SUMMARY = "Three stages, the second one trains."
