"""Autoencoders, their ensembles, probes and embeddings."""
