"""Autoencoders, their ensembles, probes and embeddings."""

from eigenlab.autoencoders.convex import (
    ConvexProbe,
    convex_probe,
    knn_accuracy,
    signed_parts,
    unit_rows,
)
from eigenlab.autoencoders.convolutional import ConvolutionalAutoencoder
from eigenlab.autoencoders.corruption import Mask, Noise, Warp
from eigenlab.autoencoders.embedding import AutoencoderEmbedding
from eigenlab.autoencoders.ensemble import Member, train_ensemble
from eigenlab.autoencoders.fit import fit
from eigenlab.autoencoders.models import Autoencoder, DenoisingAutoencoder, MaskedAutoencoder
from eigenlab.autoencoders.probe import LinearFeatures, LinearProbe, linear_probe, linear_probes
from eigenlab.autoencoders.subspace import SubspaceData, subspace_data

__all__ = [
    "Autoencoder",
    "AutoencoderEmbedding",
    "ConvexProbe",
    "ConvolutionalAutoencoder",
    "DenoisingAutoencoder",
    "LinearFeatures",
    "LinearProbe",
    "Mask",
    "MaskedAutoencoder",
    "Member",
    "Noise",
    "SubspaceData",
    "Warp",
    "convex_probe",
    "fit",
    "knn_accuracy",
    "linear_probe",
    "linear_probes",
    "signed_parts",
    "subspace_data",
    "train_ensemble",
    "unit_rows",
]
