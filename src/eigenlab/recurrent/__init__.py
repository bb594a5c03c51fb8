"""Recurrent networks from scratch: layers, stacks, and where their gradients go.

The recurrence is written out by hand in :mod:`eigenlab.recurrent.unroll`, forward and backward,
beside the textbook loop in :mod:`eigenlab.recurrent.reference` that the tests hold it to.
"""

from eigenlab.recurrent.layers import LSTM, RNN, LSTMLayer, RNNLayer
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss
from eigenlab.recurrent.tasks import running_average

__all__ = [
    "LSTM",
    "RNN",
    "LSTMLayer",
    "RNNLayer",
    "RecurrentRegressor",
    "regression_loss",
    "running_average",
]
