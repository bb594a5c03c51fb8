"""Which of a training's metrics a page draws."""

from __future__ import annotations

from collections.abc import Mapping

from eigenlab.reporter import ForwardingReporter, Reporter


class ShownMetrics(ForwardingReporter):
    """Passes on some metrics only, so that the page of a training is not full of curves.

    Args:
        inner: reporter that receives them, and all else.
        labels: name of each metric that is passed on -> the name under which it is.

    >>> class Loud(Reporter):
    ...     def metrics(self, values, *, step):
    ...         print(step, dict(values))
    >>> shown = ShownMetrics(Loud(), {"loss": "training loss"})
    >>> shown.metrics({"loss": 0.5, "learning_rate": 0.1}, step=3)
    3 {'training loss': 0.5}
    """

    def __init__(self, inner: Reporter, labels: Mapping[str, str]) -> None:
        super().__init__(inner)
        self.labels = labels

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        """Pass on what is shown.

        Args:
            values: name -> number.
            step: updates so far.
        """
        shown = {self.labels[name]: value for name, value in values.items() if name in self.labels}
        if shown:
            self.inner.metrics(shown, step=step)
