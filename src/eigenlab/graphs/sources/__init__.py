"""Sources of affinities: among training points, and from new points to them."""
