"""Run one experiment and check its claims.

An experiment measures records; each claim judges one of them. This is question 1e, when gradients
of a linear recurrent network vanish or explode, on small settings.
"""

from eigenlab.experiments import load_experiment
from eigenlab.lab import run

experiment = load_experiment("gradient-flow")
config = experiment.config.from_preset("smoke")
result = run(experiment, config)
for claim in result.claims:
    print(f"{claim.id:<22} {claim.outcome}")
result.figure("growth").show()
