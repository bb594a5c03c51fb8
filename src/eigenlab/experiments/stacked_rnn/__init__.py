"""Question 1h: effect of a second layer, and gradients of an LSTM compared with an RNN."""

TITLE = "Two layers and the LSTM"
QUESTIONS = ("1h",)
SUMMARY = (
    "Layers can be stacked: the input of the second is the hidden states of the first. RNNs and "
    "LSTMs of one and two layers are trained to predict the running average of their inputs, with "
    "32 hidden units, Adam at 1e-4 and 5000 batches of 32 sequences of length 10. Inputs are "
    "standard normal (the text leaves this open; with inputs uniform on [0, 1) the losses are of "
    "a smaller target). The text does not say how the weights start either, so the RNNs start "
    "from both usual initialisations, many times from each. Then the gradients of plain and LSTM "
    "cells are compared: an LSTM stores its memory in a cell that each step multiplies by the "
    "forget gate only."
)
MINUTES = {"smoke": 0.07, "course": 1.8, "full": 7.0}
