"""An experiment small enough to think about, for testing what surrounds experiments.

Its numbers are chosen, not measured: the mean of ``sizes`` is known in advance.
"""

TITLE = "A toy"
QUESTIONS = ("9a", "9b")
HOSTILE = "<script>alert('x')</script> & \"quotes\""
SUMMARY = f"It counts and averages. {HOSTILE}"
MINUTES = {"smoke": 0.01, "course": 2.0}
