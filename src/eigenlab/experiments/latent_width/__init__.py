"""Question 3a: effect of the bottleneck width on reconstruction and on a linear probe."""

TITLE = "How wide must a bottleneck be?"
QUESTIONS = ("3a",)
SUMMARY = (
    "Autoencoders of width 5, 20, 100 and 500 learn data of 100 dimensions, 20 of which have ten "
    "times the variance of the others and determine the label. A linear probe predicts the label "
    "from their frozen features, before training and after some epochs. With one hidden layer "
    "they are linear, so the smallest possible loss is known: the sum of the eigenvalues of the "
    "covariance that a width discards. All kinds, widths and seeds are trained at once, and so "
    "are their probes."
)
MINUTES = {"smoke": 0.2, "course": 0.65, "full": 3.0}
