"""Symbols in sentences get subscripts and Greek letters; words, code and names stay as they are."""

from __future__ import annotations

import pytest

from eigenlab.report.mathematics import render_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("W_h h_{t-1} + b", "W<sub>h</sub> h<sub>t-1</sub> + b"),
        (
            "A_ij = exp(-gamma |x_i - x_j|^2)",
            "A<sub>ij</sub> = exp(-γ |x<sub>i</sub> - x<sub>j</sub>|<sup>2</sup>)",
        ),
        ("M = D^-1/2 A D^-1/2", "M = D<sup>-1/2</sup> A D<sup>-1/2</sup>"),
        ("W_h^(T-t)", "W<sub>h</sub><sup>T-t</sup>"),
        ("|dL_k/dh_t|", "|∂L<sub>k</sub>/∂h<sub>t</sub>|"),
        ("dc_t/dc_{t-1}", "∂c<sub>t</sub>/∂c<sub>t-1</sub>"),
        ("y_hat_k", "y\N{COMBINING CIRCUMFLEX ACCENT}<sub>k</sub>"),
        ("sum_i M_ij", "∑<sub>i</sub> M<sub>ij</sub>"),
        ("the sum of lambda", "the sum of λ"),
        ("2^-53 <= sqrt(2)", "2<sup>-53</sup> ≤ √(2)"),
        ("(y - x)^2", "(y - x)<sup>2</sup>"),
        ("`n_init` and last_step_only", "<code>n_init</code> and last_step_only"),
        ("torch.nn.Linear, x_lang_pair", "torch.nn.Linear, x_lang_pair"),
        ("5g.other-sizes at 1e-3, A4 and a", "5g.other-sizes at 1e-3, A4 and a"),
        ("W2 W1 and W1ᵀ, L2", "W<sub>2</sub> W<sub>1</sub> and W<sub>1</sub>ᵀ, L2"),
        ("<b> & h_<i>", "&lt;b&gt; &amp; h_&lt;i&gt;"),
        ("x_{<b>}", "x<sub>&lt;b&gt;</sub>"),
    ],
)
def test_symbols(text, expected):
    assert str(render_text(text)) == expected


def test_latex_between_dollars_is_mathml():
    found = str(render_text("Then $W_h$ < 1 and b_f."))
    assert found.startswith("Then <math")
    assert found.endswith(" &lt; 1 and b<sub>f</sub>.")
