"""Classify with few labels on the codes of an autoencoder.

The autoencoder learns from 7,000 samples without labels in which ten directions their variance is
large. A linear classifier on these codes needs fewer labels than one on the 100 features; the
accuracy is that on samples that neither has seen.
"""

import torch

from eigenlab.autoencoders import AutoencoderEmbedding, linear_probe, subspace_data
from eigenlab.plots import line, new_chart

data = subspace_data(10_000, n_features=100, n_signal=10, seed=0)
embedding = AutoencoderEmbedding(10, "vanilla", n_epochs=10, learning_rate=0.003, random_state=0)
embedding.fit(data.train.x.numpy())

counts = (50, 100, 200, 500)
chart = new_chart("labels", "accuracy on unseen samples", log_x=True)
for name in ("features", "codes"):
    x, unseen = data.train.x[: max(counts)], data.test.x
    if name == "codes":
        x, unseen = (torch.as_tensor(embedding.transform(part.numpy())) for part in (x, unseen))
    accuracies = [
        linear_probe(x[:n], data.train.y[:n]).accuracy(unseen, data.test.y) for n in counts
    ]
    print(f"{name:>8}:", *(f"{accuracy:.3f}" for accuracy in accuracies))
    line(chart, counts, accuracies, name)
chart.update_xaxes(tickvals=counts).show()
