"""Questions 1d and 1e: gradients in back-propagation through time."""

TITLE = "Gradients through time"
QUESTIONS = ("1d", "1e")
SUMMARY = (
    "Training a recurrent network needs dL/dh_t, the gradient of the loss with respect to every "
    "hidden state. Back-propagation multiplies it by the Jacobian diag(sigma') W_h at each step. "
    "Without a nonlinearity this is the same matrix at every step, so after n steps the gradient "
    "is 2 (y_hat - y) W_f W_h^n, and the largest eigenvalue of W_h decides whether it vanishes or "
    "explodes. Here the traced gradients are compared with finite differences, then with this "
    "closed form, and their growth rate with the logarithm of the spectral radius."
)
MINUTES = {"smoke": 0.01, "course": 0.02, "full": 1.0}
