"""``python killed_run.py FOLDER [STEP]`` runs the toy ``trainable`` in FOLDER, resuming.

With STEP it kills itself with SIGKILL when the loss of that step has been streamed.
"""

import os
import signal
import sys
from pathlib import Path

import torch

from eigenlab.experiments import load_experiment
from eigenlab.lab import run
from eigenlab.reporter import Reporter


class Killer(Reporter):
    def __init__(self, step):
        self.step = step

    def metrics(self, values, *, step):
        if step == self.step:
            os.kill(os.getpid(), signal.SIGKILL)


if __name__ == "__main__":
    torch.set_num_threads(1)
    chosen = Killer(int(sys.argv[2])) if len(sys.argv) > 2 else Reporter()
    run(load_experiment("trainable"), reporter=chosen, folder=Path(sys.argv[1]), resume=True)
