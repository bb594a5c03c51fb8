"""Linear autoencoders: PCA, stationary points and L2 regularisation."""
