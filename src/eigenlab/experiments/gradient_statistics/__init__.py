"""Questions 1f and 1g: how often gradients vanish or explode, and what more losses can change."""

TITLE = "Vanishing and exploding, counted"
QUESTIONS = ("1f", "1g")
SUMMARY = (
    "One network proves little: whether its gradient vanishes depends on the luck of its weights. "
    "So many are drawn, with weight scales on both sides of 1, and each is run with tanh and with "
    "ReLU on the same weights and inputs. A gradient counts as vanished when |dL/dh_1| is below a "
    "thousandth of |dL/dh_T|, as exploded when it is above a thousandfold; a hidden state explodes "
    "when |h_T| is above a thousand times |h_1|. A second part asks whether a loss at every step "
    "helps: it makes the logged gradients large, but does a training then learn what lies far back?"
)
MINUTES = {"smoke": 0.07, "course": 0.15, "full": 6.0}
