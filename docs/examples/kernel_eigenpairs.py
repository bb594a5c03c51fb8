r"""The largest eigenvalues of a kernel without its matrix.

`top_eigenpairs` needs only products with blocks of vectors. The kernel $\exp(-|x_i - x_j|)$ of
sorted points on a line is multiplied by two passes over them, in time proportional to their
number.
"""

import numpy as np

from eigenlab.plots import line, new_chart
from eigenlab.spectrum import top_eigenpairs

n = 2_000
x = np.linspace(0, 10, n)
decay = np.exp(-np.diff(x))


class Kernel:
    """exp(-|x_i - x_j|), never stored."""

    shape, dtype = (n, n), np.dtype(float)

    def matmat(self, vectors):
        left, right = vectors.copy(), vectors.copy()
        for i in range(1, n):
            left[i] += decay[i - 1] * left[i - 1]
            right[-1 - i] += decay[-i] * right[-i]
        return left + right - vectors


pairs = top_eigenpairs(Kernel(), 4)
print("eigenvalues:", pairs.eigenvalues.round(3), "certified:", pairs.certified)
dense = np.linalg.eigvalsh(np.exp(-abs(x[:, None] - x)))[::-1][:4]
print("largest difference from the dense matrix:", f"{abs(pairs.eigenvalues - dense).max():.0e}")
chart = new_chart("x", "eigenvector")
for place in range(4):
    line(chart, x, pairs.vectors[:, place], f"{place + 1}", markers=False)
chart.show()
