"""The questions of the course in our own words, and where the equation of each stands."""

from __future__ import annotations

import inspect
import re
from importlib import import_module
from pathlib import Path
from typing import Any, NamedTuple


class Question(NamedTuple):
    """A question of the course.

    Args:
        id: such as ``1e``.
        text: what it asks.
        equations: where its equations stand, as ``module:name`` or ``module:Class.method``.
    """

    id: str
    text: str
    equations: tuple[str, ...]


QUESTIONS = (
    Question(
        "1a",
        "Write a recurrent layer h_t = sigma(W_h h_{t-1} + W_x x_t + b) by hand.",
        ("eigenlab.recurrent.layers:RNNLayer", "eigenlab.recurrent.reference:rnn_loop"),
    ),
    Question(
        "1b",
        "Read a prediction y_hat_t = W_f h_t + b_f from every hidden state.",
        ("eigenlab.recurrent.regressor:RecurrentRegressor",),
    ),
    Question(
        "1c",
        "Take the mean squared error over all steps, or at the last step only.",
        ("eigenlab.recurrent.regressor:regression_loss",),
    ),
    Question(
        "1d",
        "Trace dL/dh_t through time, and split dL/dW into the terms of each step.",
        (
            "eigenlab.recurrent.trace:GradientTrace.weight_terms",
            "eigenlab.recurrent.finite_differences:state_gradients",
            "eigenlab.recurrent.finite_differences:weight_terms",
        ),
    ),
    Question(
        "1e",
        "What is dL/dh_t without a nonlinearity, and when does it vanish or explode?",
        (
            "eigenlab.recurrent.closed_form:linear_gradients",
            "eigenlab.recurrent.closed_form:growth_rate_bounds",
        ),
    ),
    Question(
        "1f",
        "Over many random networks: how often do gradients vanish or explode under tanh and ReLU?",
        ("eigenlab.recurrent.random_networks:gaussian_rnn",),
    ),
    Question(
        "1g",
        "Does a loss at every step help the gradient reach early steps?",
        ("eigenlab.recurrent.trace:GradientTrace.pairwise_norms",),
    ),
    Question(
        "1h",
        "What do a second layer and an LSTM improve?",
        ("eigenlab.recurrent.layers:LSTMLayer", "eigenlab.recurrent.reference:lstm_loop"),
    ),
    Question(
        "2",
        "Which language does a surname come from?",
        ("eigenlab.names.module:RecurrentClassifier", "eigenlab.names.encoding:encode_name"),
    ),
    Question(
        "2a",
        "For which languages does such a classifier fail, and what must it not be used for?",
        ("eigenlab.names.auditing:audit", "eigenlab.names.priors:shift_priors"),
    ),
    Question(
        "3a",
        "How wide must the bottleneck of an autoencoder be, and how accurate is a linear probe on "
        "it?",
        (
            "eigenlab.autoencoders.models:Autoencoder.loss",
            "eigenlab.autoencoders.subspace:SubspaceData.discarded",
            "eigenlab.autoencoders.subspace:attainable_accuracy",
        ),
    ),
    Question(
        "3a'",
        "How accurate is a linear probe with 200 labels on a frozen encoder?",
        ("eigenlab.autoencoders.convex:convex_probe",),
    ),
    Question(
        "3b",
        "Derive the gradients of ||X - W2 W1 X||^2, and show which points are stationary.",
        ("eigenlab.linear.objective:gradients", "eigenlab.linear.stationary:critical_points"),
    ),
    Question(
        "4",
        "Train a ResNet on CIFAR-10 to 94 % in seconds. What does each idea buy?",
        (
            "eigenlab.vision.rungs:ladder",
            "eigenlab.vision.networks:ResNet9",
            "eigenlab.vision.whiten:PatchWhitening",
            "eigenlab.spectrum.polar:orthogonalize",
            "eigenlab.vision.muon:Muon",
        ),
    ),
    Question(
        "5a",
        "Does k-means find the clusters of the raw points?",
        ("eigenlab.graphs.assign:assign_labels",),
    ),
    Question(
        "5b",
        "Link the points by the Gaussian affinity A_ij = exp(-gamma |x_i - x_j|^2).",
        ("eigenlab.graphs.affinity:rbf_affinity", "eigenlab.graphs.normalize:is_undirected"),
    ),
    Question(
        "5c",
        "Sum the affinities of each point: the degree matrix D = diag(A 1).",
        ("eigenlab.graphs.normalize:degree_matrix",),
    ),
    Question(
        "5d",
        "Normalise symmetrically: M = D^-1/2 A D^-1/2. What is its largest eigenvalue?",
        (
            "eigenlab.graphs.normalize:symmetric_normalize",
            "eigenlab.graphs.normalize:leading_eigenvector",
        ),
    ),
    Question(
        "5e",
        "What does M say about moving from node to node?",
        (
            "eigenlab.graphs.walk:random_walk",
            "eigenlab.graphs.normalize:symmetric_normalize",
        ),
    ),
    Question(
        "5f",
        "Cluster the leading singular vectors of M. Did it work?",
        (
            "eigenlab.graphs.normalize:top_singular_vectors",
            "eigenlab.graphs.assign:assign_labels",
        ),
    ),
    Question(
        "5g",
        "Divide each column of M by its sum, and cluster the leading vectors again. Did it work?",
        (
            "eigenlab.graphs.normalize:stochastic_normalize",
            "eigenlab.graphs.normalize:top_singular_vectors",
            "eigenlab.spectrum.vectors:row_normalize",
        ),
    ),
    Question(
        "7",
        "Translate with a recurrent encoder, whose last state is the first state of a decoder.",
        (
            "eigenlab.translation.seq2seq:Seq2Seq",
            "eigenlab.translation.word_gradients:word_gradients",
        ),
    ),
    Question(
        "7a",
        "One student feeds the encoder's h_t to the decoder's step t. Why is this a bad design for "
        "translation?",
        (
            "eigenlab.translation.seq2seq:Seq2Seq.decode",
            "eigenlab.experiments.stacking_design.reading:most_words",
            "eigenlab.experiments.stacking_design.reading:most_sentences",
        ),
    ),
    Question(
        "7b",
        "What is the decoder fed in training, for the target I see a dog?",
        (
            "eigenlab.translation.inputs:teacher_forcing_inputs",
            "eigenlab.translation.fitting:translation_loss",
        ),
    ),
    Question(
        "7c",
        "What is it fed when it generates, after it has emitted I saw a dog?",
        (
            "eigenlab.translation.inputs:free_running_inputs",
            "eigenlab.translation.scheduled:scheduled_sampling_inputs",
            "eigenlab.translation.exposure:Exposure.first_errors",
        ),
    ),
    Question(
        "8a",
        "What objective do two linear layers minimise under weight decay?",
        (
            "eigenlab.linear.objective:regularized_loss",
            "eigenlab.linear.objective:regularized_gradients",
        ),
    ),
    Question(
        "8b",
        "How does the regularisation change the singular values at the minimum?",
        (
            "eigenlab.linear.shrinkage:shrinkage",
            "eigenlab.linear.shrinkage:predicted_singular_values",
        ),
    ),
)


def formulas(id: str) -> list[str]:
    """The equations of a question in LaTeX, from the docstrings of the functions that compute them.

    >>> formulas("5b")
    ['A_{ij} = \\\\exp(-\\\\gamma \\\\lVert x_i - x_j \\\\rVert^2)']
    """
    (equations,) = (question.equations for question in QUESTIONS if question.id == id)
    found = []
    for name in equations:
        text = inspect.getdoc(find_equation(name)[0]) or ""
        found += [" ".join(block.split()) for block in _MATH.findall(text)]
    return list(dict.fromkeys(found))


_MATH = re.compile(r"^\.\. math::\n\n((?:    .+\n)+)", re.M)


def find_equation(name: str) -> tuple[object, Path, int]:
    """The object that ``module:name`` names, with its source file and first line.

    >>> _, path, line = find_equation("eigenlab.recurrent.closed_form:linear_gradients")
    >>> path.name
    'closed_form.py'
    """
    module, _, inner = name.partition(":")
    thing: Any = import_module(module)
    for part in inner.split("."):
        thing = inspect.getattr_static(thing, part)
    function = getattr(thing, "func", thing)  # of a cached property
    function = inspect.unwrap(getattr(function, "fget", None) or function)
    path = inspect.getsourcefile(function)
    assert path is not None
    return function, Path(path), inspect.getsourcelines(function)[1]
