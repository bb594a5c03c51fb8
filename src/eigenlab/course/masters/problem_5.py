# %%
try:
    import eigenlab
except ImportError:  # a bare kernel, as on Colab
    import subprocess
    import sys

    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "eigenlab[course]"], check=True)

# %% [markdown]
# # Problem 5: Clustering with the spectrum of a graph
#
# k-means looks for round clusters. In this notebook you link points by a weighted graph, and find
# clusters that are not round in the leading singular vectors of a matrix of that graph:
#
# 1. the affinity matrix $A$ of the graph,
# 2. the degrees $D$ of its nodes,
# 3. the symmetric normalisation $M = D^{-1/2} A D^{-1/2}$,
# 4. clusters in the leading singular vectors of $M$,
# 5. the same with a matrix $S$ whose columns sum to one.
#
# Write code where it says `TODO`, and run the check below it. Answer each question in the empty cell
# that follows it. When you are done, save the notebook and run
# `eigenlab submit problem_5.ipynb` in a terminal.

# %%
import numpy as np
from sklearn.cluster import KMeans
from sklearn.metrics import confusion_matrix

from eigenlab import plots
from eigenlab.grading import check
from eigenlab.graphs import matched_accuracy, stretched_blobs


def accuracy(labels):
    """Share of points in the right cluster. Clusters have no names: the best naming counts."""
    return matched_accuracy(confusion_matrix(truth, labels))


def show_clusters(labels, title):
    """Draw the points in the colour of their cluster."""
    chart = plots.new_chart("first coordinate", "second coordinate", title=title)
    for index, cluster in enumerate(np.unique(labels)):
        x, y = X[labels == cluster].T
        plots.points(chart, x, y, f"cluster {index + 1}", index=index, size=4)
    chart.show()


# %% [markdown]
# ## 5a. k-means on the points
#
# The data are 2000 points in the plane, drawn from three blobs that are longer than they are far
# apart. `X` has shape $(2000, 2)$; `truth` holds the blob of each point. k-means assigns each point
# to the nearest of three means, and each mean is the average of its points.

# %%
X, truth = stretched_blobs(2000)
raw_labels = KMeans(n_clusters=3, n_init=10, random_state=0).fit_predict(X)

show_clusters(truth, "The three blobs")
show_clusters(raw_labels, f"k-means: {accuracy(raw_labels):.1%} of the points are right")

# %% [markdown]
# **5a.** Did k-means find the three blobs? Explain what it does wrong on these points, and why.

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# No: it cuts across the blobs. k-means assigns each point to the nearest mean, so the borders between
# its clusters are straight and lie halfway between the means. That does not suit blobs that are longer
# than they are far apart: the end of a blob is closer to the mean of its neighbour than to its own.
# More starts do not help, since k-means looks for the smallest sum of squared distances, and here a
# wrong clustering has a smaller sum than the true one.

# %% [markdown]
# ## 5b. The affinity matrix
#
# Each point is a node of a graph. The weight of the edge between the points $x_i$ and $x_j$ is large
# if they are close:
#
# $$A_{ij} = \exp(-\gamma \lVert x_i - x_j \rVert^2)$$
#
# $\lVert x_i - x_j \rVert^2$ is the sum of the squared differences of all coordinates.


# %%
def get_adjacency_matrix(gamma, X):
    """The Gaussian affinities of points.

    Args:
        gamma: factor on the squared distance, > 0.
        X: (n, d) array, a point in each row.

    Returns:
        (n, n) array A with A[i, j] = exp(-gamma * |x_i - x_j|^2).
    """
    # TODO: compute all squared distances, (n, n), and from these A. Broadcasting does it without a
    # loop: X[:, None, :] has shape (n, 1, d) and X[None, :, :] has shape (1, n, d).
    # BEGIN SOLUTION get_adjacency_matrix
    differences = X[:, None, :] - X[None, :, :]  # (n, n, d)
    squared_distances = (differences**2).sum(axis=-1)  # (n, n)
    return np.exp(-gamma * squared_distances)
    # END SOLUTION


# %%
result_5b = check("5b", get_adjacency_matrix)
result_5b

# %% [markdown]
# With the points sorted by blob, the affinities form blocks. The figure shows the mean of $A$ over
# groups of points.

# %%
gamma = 7.5

if result_5b:
    A = get_adjacency_matrix(gamma, X)
    groups = np.array_split(np.argsort(truth, kind="stable"), 40)
    means = [[A[np.ix_(rows, columns)].mean() for columns in groups] for rows in groups]
    plots.heatmap(
        means,
        x_title="group of points, sorted by blob",
        y_title="group of points, sorted by blob",
        value_title="mean affinity",
        log=True,
        height=480,
    ).show()
else:
    print("First pass 5b.")

# %% [markdown]
# **5b.** What kind of graph does $A$ describe: is it weighted or not, directed or undirected, which
# nodes are linked?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# A weighted, undirected graph. $A$ is symmetric because distances are, so that each edge weighs the
# same in both directions. The exponential is positive, so every pair of points is linked, and each
# point is linked to itself with weight 1. The weight falls to a half at the distance
# $\sqrt{\ln 2 / \gamma}$; far beyond it, an edge is there but hardly counts.

# %% [markdown]
# ## 5c. The degree matrix
#
# The degree of a node is the sum of the weights of its edges, $d_i = \sum_j A_{ij}$, and $D =
# \operatorname{diag}(d_1, \dots, d_n)$. What we need below is $D^{-1/2}$, the diagonal matrix of the
# numbers $1 / \sqrt{d_i}$, so let the function return that.


# %%
def get_degree_matrix(A):
    """The degrees of a graph's nodes to the power -1/2, on the diagonal of a matrix.

    Args:
        A: (n, n) array of weights.

    Returns:
        (n, n) array D^-1/2.
    """
    # TODO: sum each row of A, take the sums to the power -1/2, and put them on a diagonal.
    # BEGIN SOLUTION get_degree_matrix
    degrees = A.sum(axis=1)  # (n,)
    return np.diag(degrees**-0.5)
    # END SOLUTION


# %%
result_5c = check("5c", get_degree_matrix)
result_5c

# %% [markdown]
# **5c.** What does the degree of a point tell about where it lies? Which points have a small degree,
# and how small can it be?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The degree measures how dense the neighbourhood of a point is, since only close points contribute
# much to the sum. Outliers and points at the border of a blob have small degrees. A degree is never
# below 1, because the loop $A_{ii} = 1$ is part of it; an isolated point has little more than that.

# %% [markdown]
# ## 5d. The symmetric normalisation
#
# Nodes in dense places have large weights everywhere. To compare nodes, divide each weight by the
# roots of both degrees:
#
# $$M = D^{-1/2} A D^{-1/2}, \qquad M_{ij} = \frac{A_{ij}}{\sqrt{d_i d_j}}$$


# %%
def get_normalized_matrix(A):
    """The symmetric normalisation of an affinity matrix.

    Args:
        A: (n, n) array of weights.

    Returns:
        (n, n) array M = D^-1/2 A D^-1/2.
    """
    # TODO: use get_degree_matrix, and @ for the product of matrices.
    # BEGIN SOLUTION get_normalized_matrix
    root = get_degree_matrix(A)
    return root @ A @ root
    # END SOLUTION


# %%
result_5d = check("5d", get_normalized_matrix)
result_5d

# %%
if result_5b and result_5d:
    M = get_normalized_matrix(A)
    values = np.linalg.eigvalsh(M)[::-1]
    print("leading eigenvalues of M:", values[:6].round(4))
    chart = plots.new_chart("index", "eigenvalue of M")
    plots.line(chart, range(1, 13), values[:12], "M", markers=True)
    chart.show()
else:
    print("First pass 5b and 5d.")

# %% [markdown]
# **5d.** What is the largest eigenvalue of $M$, and which vector belongs to it? Show it, and show that
# no eigenvalue is larger.

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The largest eigenvalue is 1, and its eigenvector is $D^{1/2} \mathbf{1}$, the vector of the roots of
# the degrees: $M D^{1/2} \mathbf{1} = D^{-1/2} A \mathbf{1} = D^{-1/2} d = D^{1/2} \mathbf{1}$. No
# eigenvalue is larger in modulus, since $D^{1/2} M D^{-1/2} = A D^{-1}$ is similar to $M$, and a matrix
# with entries $\ge 0$ whose columns sum to one has no eigenvalue beyond 1: for $A D^{-1} v = \lambda v$,
# $|\lambda| \lVert v \rVert_1 = \lVert A D^{-1} v \rVert_1 \le \lVert v \rVert_1$.

# %% [markdown]
# ## 5e. Moving from node to node

# %% [markdown]
# **5e.** Someone walks on the graph: from node $j$ they go to node $i$ with a probability that is
# proportional to $A_{ij}$. What is this probability? What does $M_{ij}$ tell about moving between $i$
# and $j$, and is it a probability?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# The probability of going from $j$ to $i$ is $A_{ij} / d_j$, an entry of $A D^{-1}$, whose columns sum
# to one. $M_{ij} = \sqrt{d_j / d_i} \, (A D^{-1})_{ij}$ says how strongly two nodes are linked relative
# to what else they are linked to. It is no probability, as the columns of $M$ do not sum to one, but
# $M$ and $A D^{-1}$ are similar and have the same eigenvalues. $M_{ij}^2 = (A_{ij} / d_j) (A_{ij} /
# d_i)$ is the probability of going from $j$ to $i$ and straight back.

# %% [markdown]
# ## 5f. Clusters in the singular vectors of $M$
#
# If the graph fell into three parts without a link between them, $M$ would have three eigenvalues 1,
# with vectors that each live on one part. Here the parts are weakly linked. Write the singular value
# decomposition $M = U \Sigma V^\top$ with the singular values in descending order. Row $i$ of the first
# three columns of $U$ gives node $i$ three coordinates; run k-means on these.


# %%
def cluster_data(M):
    """Cluster the nodes into three by the leading singular vectors of a matrix.

    Args:
        M: (n, n) array, not necessarily symmetric.

    Returns:
        (n,) array with the cluster of each node: 0, 1 or 2.
    """
    # TODO: np.linalg.svd, the first three columns of U, shape (n, 3), and KMeans(3, n_init=10).
    # BEGIN SOLUTION cluster_data
    U, _, _ = np.linalg.svd(M)
    leading = U[:, :3]  # (n, 3)
    return KMeans(n_clusters=3, n_init=10, random_state=0).fit_predict(leading)
    # END SOLUTION


# %%
result_5f = check("5f", cluster_data)
result_5f

# %%
if result_5b and result_5d and result_5f:
    symmetric_labels = cluster_data(M)
    show_clusters(symmetric_labels, f"Vectors of M: {accuracy(symmetric_labels):.1%} are right")
    third = np.linalg.svd(M)[0][:, 2]
    print("third vector: share of the largest entry in its square:", (third**2).max().round(3))
else:
    print("First pass 5b, 5d and 5f.")

# %% [markdown]
# **5f.** Did it work? Look at the number printed for the third vector: how many points does that vector
# tell from the others?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# No. Nearly all of the third vector's square is in one entry: it singles out one point. A point with
# hardly any neighbour is nearly a part of its own, with an eigenvalue close to 1, so that only two
# vectors are left for three clusters. A fourth vector, or a graph without the loops $A_{ii}$, helps.

# %% [markdown]
# ## 5g. Columns that sum to one
#
# Divide each column of $M$ by its sum. With $C$ the diagonal matrix of the column sums,
#
# $$S = M C^{-1}, \qquad S_{ij} = \frac{M_{ij}}{\sum_k M_{kj}}$$
#
# A matrix with entries $\ge 0$ whose columns sum to one is called column-stochastic.


# %%
def stochastic_matrix_converter(M):
    """Divide each column of a matrix by its sum.

    Args:
        M: (n, n) array with entries >= 0, not necessarily symmetric.

    Returns:
        (n, n) array whose columns sum to one.
    """
    # TODO: sums over the rows of each column, shape (n,); dividing M by them divides its columns.
    # BEGIN SOLUTION stochastic_matrix_converter
    column_sums = M.sum(axis=0)  # (n,)
    return M / column_sums
    # END SOLUTION


# %%
result_5g = check("5g", stochastic_matrix_converter)
result_5g

# %% [markdown]
# Cluster the points by the vectors of $S$.

# %%
labels = None
if result_5b and result_5d and result_5f and result_5g:
    S = stochastic_matrix_converter(M)
    labels = cluster_data(S)
    show_clusters(labels, f"Vectors of S: {accuracy(labels):.1%} are right")
else:
    print("First pass 5b, 5d, 5f and 5g.")

# %%
check("5g-labels", labels)

# %% [markdown]
# **5g.** Did it work now? Why do three vectors of $S$ succeed where three vectors of $M$ did not?

# %% [markdown] tags=["student"]
#

# %% [markdown] tags=["solution"]
# Yes, nearly all points are in the right cluster. The block of the isolated point in $S$ is a single
# number, a little below 1, since its column sums to one and its links to others have some of that. The
# block $S_c$ of a cluster nearly is column-stochastic by itself, $S_c^\top \mathbf{1} \approx
# \mathbf{1}$; its largest singular value is thus about 1 or larger, and larger indeed, because its
# *rows* do not sum to one. So the vectors of the three clusters come first, and that of the isolated
# point is the fourth. The *eigenvectors* of $S$ are other vectors, because $S$ is not symmetric.
