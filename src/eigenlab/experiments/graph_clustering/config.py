"""The settings of ``graph-clustering``."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar

from pydantic import Field, PositiveFloat

from eigenlab.lab import Config, setting

#: Points whose affinity matrix is stored.
Stored = Annotated[int, Field(ge=10, le=8000)]
#: Points of any graph; a million take a gigabyte.
Large = Annotated[int, Field(ge=10, le=4_000_000)]


class GraphClusteringConfig(Config):
    """The course's points and graph, and the other points that are clustered."""

    n_samples: int = setting(
        2000, "Points of the three stretched blobs.", unit="points", ge=10, le=8000
    )
    gamma: float = setting(
        7.5,
        "Coefficient of the Gaussian affinity exp(-gamma r^2), an inverse squared length. Above "
        "the bound a million points need too many Fourier modes.",
        gt=0,
        le=1000,
    )
    blobs_seed: int = setting(
        170, "Random seed of the stretched blobs; 170 draws those of the course.", ge=0
    )
    noise_scale: float = setting(
        1.0, "Factor on the standard deviation of the noise of every shape.", ge=0, le=10
    )
    n_starts: int = setting(
        60,
        "Runs of k-means with a single random start; the worst quarter is repeated with ten.",
        ge=1,
        le=1000,
    )
    gamma_sweep: bool = setting(True, "Whether to repeat the clustering for each value in gammas.")
    gammas: tuple[PositiveFloat, ...] = setting(
        (1.0, 2.0, 4.0, 7.5, 15.0, 30.0), "Values of gamma in the sweep."
    )
    outlier_sizes: tuple[Stored, ...] = setting(
        (300, 500, 1000, 2000, 3000),
        "Numbers of blob points for which vectors of outliers are kept or skipped.",
        unit="points",
        min_length=1,
    )
    n_draws: int = setting(5, "Random draws of each of the other shapes.", ge=1, le=1000)
    n_shape_samples: int = setting(
        600, "Points of each of the other shapes.", unit="points", ge=30, le=8000
    )
    shape_gammas: tuple[PositiveFloat, ...] = setting(
        (1.0, 20.0, 50.0, 20.0, 2.0),
        "Values of gamma for round blobs, moons, circles, arcs and unbalanced blobs if gamma is "
        "7.5; they are scaled in proportion to gamma.",
        min_length=5,
        max_length=5,
    )
    walk_length: int = setting(
        50_000, "Steps of the random walk.", unit="steps", ge=1, le=1_000_000
    )
    growth_sizes: tuple[Large, ...] = setting(
        (2_000, 10_000, 50_000, 100_000, 200_000, 1_000_000),
        "Numbers of blob points for which graphs are compared; with fewer than two the comparison "
        "is skipped.",
        unit="points",
    )
    max_neighbor_points: int = setting(
        50_000,
        "Largest number of points whose graph of neighbours is clustered.",
        unit="points",
        ge=0,
        le=1_000_000,
    )
    n_neighbors: int = setting(
        10, "Neighbours of a point in that graph, itself included.", ge=2, le=1000
    )

    presets: ClassVar[dict[str, dict[str, Any]]] = {
        "smoke": {"gamma_sweep": False, "n_draws": 1, "growth_sizes": ()},
        "course": {},
        "full": {"n_draws": 20, "max_neighbor_points": 200_000},
    }
