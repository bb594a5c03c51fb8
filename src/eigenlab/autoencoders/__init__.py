"""Autoencoders, their ensembles, probes and embeddings."""

from eigenlab.autoencoders.adam_probes import linear_probes
from eigenlab.autoencoders.classifier import LinearProbe
from eigenlab.autoencoders.convex import ConvexProbe, convex_probe
from eigenlab.autoencoders.convolutional import ConvolutionalAutoencoder
from eigenlab.autoencoders.corruption import Mask, Noise, Warp
from eigenlab.autoencoders.embedding import AutoencoderEmbedding
from eigenlab.autoencoders.ensemble import Member, train_ensemble
from eigenlab.autoencoders.features import LinearFeatures, signed_parts
from eigenlab.autoencoders.fit import fit
from eigenlab.autoencoders.models import Autoencoder, DenoisingAutoencoder, MaskedAutoencoder
from eigenlab.autoencoders.neighbors import knn_accuracy
from eigenlab.autoencoders.probe import linear_probe
from eigenlab.autoencoders.subspace import SubspaceData, attainable_accuracy, subspace_data

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
    "attainable_accuracy",
    "convex_probe",
    "fit",
    "knn_accuracy",
    "linear_probe",
    "linear_probes",
    "signed_parts",
    "subspace_data",
    "train_ensemble",
]
