"""Question 3b: a linear autoencoder is principal component analysis."""

TITLE = "A linear autoencoder is PCA"
QUESTIONS = ("3b",)
SUMMARY = (
    "Without a nonlinearity an autoencoder minimises ||X - W2 W1 X||². Its gradients are derived "
    "by hand and checked; every choice of eigenvectors of X Xᵀ makes both vanish, but only the "
    "leading ones are a minimum, and all others are saddles with a number of directions of "
    "descent that can be counted. Training therefore converges to the principal components, "
    "possibly after a plateau at one saddle after another."
)
MINUTES = {"smoke": 0.01, "course": 0.03, "full": 3.0}
