"""Questions 2 and 2a: which language a surname comes from, and the limits of such a prediction."""

TITLE = "Which language does a surname come from?"
QUESTIONS = ("2", "2a")
SUMMARY = (
    "A recurrent network reads a surname letter by letter and predicts its language. It is tested "
    "as in the course, on a random fifth of the lines, and on names whose spelling it has never "
    "seen; it is compared with the most frequent language and with logistic regression on "
    "character n-grams. Then the risks of misuse are measured: for which languages it fails, how "
    "well its confidence is calibrated, what happens where other languages are common, and what is "
    "gained when it may abstain. Intended use: guessing the language of origin of a name. Not for "
    "inferring the nationality, ethnicity, religion or any other fact about a person."
)
MINUTES = {"smoke": 0.06, "course": 0.25, "full": 45.0}
