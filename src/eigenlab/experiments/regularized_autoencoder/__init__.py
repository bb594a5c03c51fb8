"""Questions 8a and 8b: L2 regularisation of a linear autoencoder."""

TITLE = "L2 regularisation of a linear autoencoder"
QUESTIONS = ("8a", "8b")
SUMMARY = (
    "The objective is L = (1/n) ||X - W2 W1 X||² + λ ||W1||² + λ ||W2||². Which combination of "
    "loss, regulariser and optimiser minimises just this is found by comparing the updates they "
    "make with its gradient. At the minimum W1 is the transpose of W2, and both have singular "
    "values known in advance, sqrt(max(0, 1 - λ/σᵢ²)); as λ falls the columns of W2 become "
    "orthonormal. They are determined up to a rotation only, but the singular vectors are "
    "determined."
)
MINUTES = {"smoke": 0.1, "course": 0.12, "full": 5.0}
