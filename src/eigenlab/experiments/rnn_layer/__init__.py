"""Questions 1a to 1c: a recurrent layer, a regressor and its loss, compared with known values."""

TITLE = "A recurrent layer by hand"
QUESTIONS = ("1a", "1b", "1c")
SUMMARY = (
    "A recurrent layer updates a hidden state h at every step from its previous value and the "
    "input: h_t = sigma(W_h h_{t-1} + W_x x_t + b). A regressor computes a prediction from every "
    "h_t, and the loss is the mean squared error over all steps or at the last one. Here all "
    "three are compared with numbers that can be worked out by hand, and then, with random "
    "weights and in double precision, with a loop written as in a textbook and with torch.nn.RNN."
)
MINUTES = {"smoke": 0.01, "course": 0.01, "full": 0.3}
