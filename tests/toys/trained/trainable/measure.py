import torch
from eigenlab.experiments.trainable.config import TrainableConfig
from eigenlab.experiments.trainable.records import EndRecord, FitRecord, PrepareRecord
from torch import nn

from eigenlab.lab import Context, stage
from eigenlab.training import generated, generator, train


@stage
def prepare(config: TrainableConfig, context: Context) -> PrepareRecord:
    return PrepareRecord(width=config.width, nothing=float("nan"), bound=float("inf"))


@stage
def fit(config: TrainableConfig, context: Context) -> FitRecord:
    torch.manual_seed(config.seed)
    model = nn.Sequential(nn.Linear(2, config.width), nn.Tanh(), nn.Dropout(0.2))
    model.append(nn.Linear(config.width, 1))
    history = train(
        model,
        lambda model, batch: (model(batch[0]) - batch[0].sum(1, keepdim=True)).square().mean(),
        generated(lambda g: (torch.randn(8, 2, generator=g),), config.seed),
        optimizer=torch.optim.Adam(model.parameters(), lr=config.rate),
        steps=config.steps,
        log_every=1,
        reporter=context.reporter,
        checkpoint=context.checkpoint("fit"),
        checkpoint_every=10,
    )
    weights = [parameter.detach() for parameter in model.parameters()]
    return FitRecord(seeds=[config.seed], losses=history.losses, weights=weights)


@stage
def conclude(config: TrainableConfig, context: Context) -> EndRecord:
    draw = torch.rand(1, generator=generator(config.seed, "end")).item()
    return EndRecord(draw=draw, width=context.record(PrepareRecord).width)
