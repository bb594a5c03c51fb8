"""Questions 5a to 5g: spectral clustering."""

TITLE = "Spectral clustering of a graph"
QUESTIONS = ("5a", "5b", "5c", "5d", "5e", "5f", "5g")
SUMMARY = (
    "Three elongated, slanted blobs of 2,000 points. k-means cuts across them, since it looks for "
    "round clusters only. In a graph that links near points strongly they are three weakly "
    "connected parts, and the leading eigenvectors of the normalised affinity matrix separate "
    "them, unless one of these is localised on an outlier. Two normalisations are compared; then "
    "other shapes, other widths of the Gaussian, a random walk on the graph, and the complete "
    "graph of up to a million points, by fast Gauss sums."
)
MINUTES = {"smoke": 0.15, "course": 0.5, "full": 3.0}
