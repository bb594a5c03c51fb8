r"""An L2 penalty shrinks the singular values of an autoencoder.

With the penalty $\lambda$ on both matrices of a linear autoencoder, the singular values of each
at the minimum are $\sqrt{\max(0, 1 - \lambda / \sigma_i^2)}$, where $\sigma_i^2$ are the
variances along the principal axes. Directions with a variance below $\lambda$ are left out.
"""

import numpy as np
from sklearn.datasets import load_digits

from eigenlab.linear import RegularizedLinearAutoencoder
from eigenlab.plots import line, new_chart

images = load_digits().data / 16
chart = new_chart("place i", "singular value of W2")
for lam in (0.01, 0.1, 0.3):
    model = RegularizedLinearAutoencoder(20, lam=lam).fit(images)
    line(chart, np.arange(1, 21), model.singular_values_, f"λ = {lam}")
    print(f"λ = {lam}: {np.count_nonzero(model.singular_values_)} of 20 directions are kept")
chart.show()
