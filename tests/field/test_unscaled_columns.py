"""Columns in different units are told of, in Python as on the command line; pixels are not.

Source: https://scikit-learn.org/stable/auto_examples/preprocessing/plot_scaling_importance.html
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.preprocessing import StandardScaler

from eigenlab.graphs import SpectralClustering, UnscaledColumnsWarning, unscaled_columns

RANDOM = np.random.default_rng(0)


@pytest.mark.parametrize("load", [datasets.load_wine, datasets.load_breast_cancer])
def test_tables_in_several_units_are_told_of_until_they_are_scaled(load):
    X = load().data
    assert "dominates all distances" in unscaled_columns(X)
    assert unscaled_columns(StandardScaler().fit_transform(X)) is None


@pytest.mark.parametrize("load", [datasets.load_digits, datasets.load_iris])
def test_columns_that_share_a_unit_are_not(load):
    assert unscaled_columns(load().data) is None


def test_an_outlier_is_no_unit():
    X = RANDOM.normal(size=(100, 2))
    X[0, 0] = 1e6
    assert unscaled_columns(X) is None


def test_a_constant_column_says_nothing():
    assert unscaled_columns(np.stack([np.full(50, 1e9), RANDOM.normal(size=50)], axis=1)) is None


def test_the_estimator_warns_with_the_names_of_the_columns():
    heights, incomes = RANDOM.normal(size=(2, 60))
    frame = pd.DataFrame({"height": heights, "income": 1000 * incomes})
    with pytest.warns(UnscaledColumnsWarning, match="column income is .* that of column height"):
        SpectralClustering(2, gamma="scale").fit(frame)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        SpectralClustering(2, gamma="scale").fit(StandardScaler().fit_transform(frame.to_numpy()))
