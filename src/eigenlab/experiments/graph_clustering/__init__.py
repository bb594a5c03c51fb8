"""Questions 5a to 5g: clusters as eigenvectors of a graph."""

TITLE = "Clusters as eigenvectors of a graph"
QUESTIONS = ("5a", "5b", "5c", "5d", "5e", "5f", "5g")
SUMMARY = (
    "Three elongated, slanted blobs of 2,000 points. k-means cuts across them, since it looks for "
    "round clusters only. In a graph whose edges link near points strongly they are three parts "
    "with little between them, and the leading eigenvectors of the normalised affinity matrix tell "
    "them apart, unless an outlier has an eigenvector of its own. Two normalisations are compared; "
    "then other shapes, other widths of the Gaussian, a random walk on the graph, and up to a "
    "million points, with every pair of them still linked, by fast Gauss sums."
)
MINUTES = {"smoke": 0.15, "course": 0.5, "full": 3.0}
