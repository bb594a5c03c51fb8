"""What the claims compare with, and the settings for which they are made."""

from __future__ import annotations

from eigenlab.lab import applies_to

#: Accuracies below which a clustering fails and above which it separates the clusters: one point in
#: ten in the wrong cluster is a failure, one in a hundred is not.
FAILS, SEPARATES = 0.9, 0.99
#: Entries are at most 1 and their sums a few hundred: a few thousand roundings of 1e-16 each.
ROUNDING = 1e-12
#: The eigenproblem of M is solved to a relative residual of 1e-10.
SOLVED = 1e-10

#: The points that the course draws, and the same with another gamma or another number of points.
DRAWN = applies_to(blobs_seed={170}, noise_scale=(1, 1))
COURSE = applies_to(n_samples=(2000, 2000), gamma=(7.5, 7.5), blobs_seed={170}, noise_scale=(1, 1))
