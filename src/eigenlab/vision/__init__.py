"""Image classification in seconds: data, networks, recipes and the ladder of question 4."""

from eigenlab.vision.cifar10 import load_cifar10
from eigenlab.vision.classifier import ImageClassifier
from eigenlab.vision.dataset import ImageDataset, channel_statistics, split_images
from eigenlab.vision.evaluation import Judgement, normalize, predict_logits
from eigenlab.vision.inspection import (
    feature_spectrum,
    filters_as_images,
    first_filters,
    image_features,
)
from eigenlab.vision.loader import CifarLoader
from eigenlab.vision.muon import Muon
from eigenlab.vision.networks import ResNet9, ResNet18
from eigenlab.vision.norm import BatchNorm
from eigenlab.vision.pictures import load_image_folder, read_picture
from eigenlab.vision.prepared import PreparedTraining
from eigenlab.vision.recipe import Recipe
from eigenlab.vision.rungs import Rung, ladder
from eigenlab.vision.shapes import shapes32
from eigenlab.vision.speednet import SpeedNet
from eigenlab.vision.summary import RunSummary, summarize_runs
from eigenlab.vision.training import TrainedNetwork, train_cifar10
from eigenlab.vision.whiten import PatchWhitening

__all__ = [
    "BatchNorm",
    "CifarLoader",
    "ImageClassifier",
    "ImageDataset",
    "Judgement",
    "Muon",
    "PatchWhitening",
    "PreparedTraining",
    "Recipe",
    "ResNet9",
    "ResNet18",
    "RunSummary",
    "Rung",
    "SpeedNet",
    "TrainedNetwork",
    "channel_statistics",
    "feature_spectrum",
    "filters_as_images",
    "first_filters",
    "image_features",
    "ladder",
    "load_cifar10",
    "load_image_folder",
    "normalize",
    "predict_logits",
    "read_picture",
    "shapes32",
    "split_images",
    "summarize_runs",
    "train_cifar10",
]
