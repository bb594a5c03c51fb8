"""The claims of ``graph-clustering``, each above the function that judges it.

``matrices`` has those of the points and their matrices (5a to 5e), ``normalizations`` those of the
clusters of M and S (5f and 5g), and ``robustness`` those of other settings and of the random walk.
"""

from eigenlab.experiments.graph_clustering.claims.matrices import *
from eigenlab.experiments.graph_clustering.claims.normalizations import *
from eigenlab.experiments.graph_clustering.claims.robustness import *
