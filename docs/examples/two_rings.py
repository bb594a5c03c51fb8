"""Cluster two rings that k-means cannot separate.

Spectral clustering embeds the points by the leading singular vectors of their normalised
affinities. The clusters may have any shape, as long as each is connected. `gamma="local"`
measures the distances from each point in units of that to its seventh neighbour.
"""

from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix

from eigenlab.graphs import SpectralClustering, matched_accuracy, two_circles
from eigenlab.plots import new_chart, points

X, truth = two_circles(600, random_state=0)
spectral = SpectralClustering(n_clusters=2, gamma="local", random_state=0).fit_predict(X)
kmeans = KMeans(n_clusters=2, n_init=10, random_state=0).fit_predict(X)
for name, found in {"spectral clustering": spectral, "k-means": kmeans}.items():
    print(f"{name}: {matched_accuracy(confusion_matrix(truth, found)):.0%} of the points")

chart = new_chart("x", "y")
for cluster in range(2):
    chosen = X[spectral == cluster]
    points(chart, chosen[:, 0], chosen[:, 1], f"cluster {cluster}", size=6)
chart.update_yaxes(scaleanchor="x")
chart.show()
