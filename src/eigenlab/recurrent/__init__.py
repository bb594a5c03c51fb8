"""Recurrent networks from scratch: layers, stacks, and where their gradients go.

The recurrence is written out by hand in :mod:`eigenlab.recurrent.unroll`, forward and backward,
beside the textbook loop in :mod:`eigenlab.recurrent.reference` that the tests hold it to.
"""

from eigenlab.recurrent.closed_form import forget_rate, growth_rate_bounds, linear_gradients
from eigenlab.recurrent.convert import from_torch, to_torch
from eigenlab.recurrent.diagnosis import FlowRecord, LayerFlow
from eigenlab.recurrent.ensemble import LossCurve, fit_regressors
from eigenlab.recurrent.fit import fit_regressor
from eigenlab.recurrent.layers import LSTM, RNN, LSTMLayer, RNNLayer
from eigenlab.recurrent.monitor import GradientMonitor
from eigenlab.recurrent.random_networks import gaussian_lstm, gaussian_rnn, with_spectral_radius
from eigenlab.recurrent.regressor import RecurrentRegressor, regression_loss
from eigenlab.recurrent.tasks import delayed_copy, hold_first, running_average
from eigenlab.recurrent.trace import GradientTrace, decay_by_distance, trace_gradients

__all__ = [
    "LSTM",
    "RNN",
    "FlowRecord",
    "GradientMonitor",
    "GradientTrace",
    "LSTMLayer",
    "LayerFlow",
    "LossCurve",
    "RNNLayer",
    "RecurrentRegressor",
    "decay_by_distance",
    "delayed_copy",
    "fit_regressor",
    "fit_regressors",
    "forget_rate",
    "from_torch",
    "gaussian_lstm",
    "gaussian_rnn",
    "growth_rate_bounds",
    "hold_first",
    "linear_gradients",
    "regression_loss",
    "running_average",
    "to_torch",
    "trace_gradients",
    "with_spectral_radius",
]
