"""The spectrum of a recurrent weight matrix.

Random entries of variance $g^2 / H$ have eigenvalues in a disc of radius about $g$ (circular
law). Gradients vanish along eigenvectors whose eigenvalue is inside the unit circle, in a network
without an activation.
"""

import torch

from eigenlab.plots import add_eigenvalues, complex_plane
from eigenlab.recurrent import gaussian_rnn
from eigenlab.spectrum import eigenvalues, spectral_radius

chart = complex_plane()
for place, scale in enumerate((0.6, 1.2)):
    generator = torch.Generator().manual_seed(0)
    model = gaussian_rnn(100, weight_scale=scale, generator=generator)
    W_h = model.recurrent.layers[0].W_h.detach()
    values = torch.view_as_real(eigenvalues(W_h)).tolist()
    add_eigenvalues(chart, values, f"weight scale {scale}", index=place)
    print(f"weight scale {scale}: spectral radius {float(spectral_radius(W_h)):.3f}")
chart.show()
