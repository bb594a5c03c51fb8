"""Recurrent networks from scratch: layers, stacks, and where their gradients go.

The recurrence is written out by hand in :mod:`eigenlab.recurrent.unroll`, forward and backward,
beside the textbook loop in :mod:`eigenlab.recurrent.reference` that the tests hold it to.
"""

from eigenlab.recurrent.convert import from_torch, to_torch
from eigenlab.recurrent.layers import LSTM, RNN, LSTMLayer, RNNLayer
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss
from eigenlab.recurrent.tasks import running_average
from eigenlab.recurrent.trace import GradientTrace, trace_gradients

__all__ = [
    "LSTM",
    "RNN",
    "GradientTrace",
    "LSTMLayer",
    "RNNLayer",
    "RecurrentRegressor",
    "from_torch",
    "regression_loss",
    "running_average",
    "to_torch",
    "trace_gradients",
]
