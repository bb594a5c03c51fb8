"""Questions 1f and 1g: how often gradients vanish or explode, and the effect of more losses."""

TITLE = "How often gradients vanish or explode"
QUESTIONS = ("1f", "1g")
SUMMARY = (
    "Whether the gradient of a single network vanishes depends on its random weights. Many "
    "networks are therefore drawn, with weight scales on both sides of 1, and each is run with "
    "tanh and with ReLU on the same weights and inputs. A gradient counts as vanished when "
    "|dL/dh_1| is below a thousandth of |dL/dh_T|, as exploded when it is more than a thousand "
    "times as large; a hidden state explodes when |h_T| is above a thousand times |h_1|. A second "
    "part asks whether a loss at every step helps: it makes the total gradient large, but are "
    "long-range dependencies then learned? Delayed copies of several lags and numbers of targets "
    "map where it helps."
)
MINUTES = {"smoke": 0.07, "course": 1.0, "full": 17.0}
