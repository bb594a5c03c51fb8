"""A linear autoencoder is PCA.

Both weight matrices are trained from a random start. The reconstruction agrees with PCA; the
weights need not, because the optimum determines only the subspace that the decoder spans.
"""

import numpy as np
from sklearn.datasets import load_digits
from sklearn.decomposition import PCA

from eigenlab.linear import LinearAutoencoder
from eigenlab.plots import heatmap
from eigenlab.spectrum import principal_angles

images = load_digits().data / 16
pca = PCA(8).fit(images)
model = LinearAutoencoder(8, solver="trained", random_state=0).fit(images)
rebuilt = model.inverse_transform(model.transform(images))
expected = pca.inverse_transform(pca.transform(images))
print(f"largest difference of a reconstructed pixel: {abs(rebuilt - expected).max():.0e}")
angles = principal_angles(model.W2_, pca.components_.T)
print(f"largest angle between the subspaces: {np.max(np.asarray(angles)):.0e}")
first = pca.components_[0].reshape(8, 8)  # as an image
chart = heatmap(
    first, x_title="column", y_title="row", value_title="weight", center=0, numbers=False
)
chart.show()
