from eigenlab.experiments.toy import HOSTILE
from eigenlab.experiments.toy.records import AverageRecord

from eigenlab import plots
from eigenlab.lab import figure, metrics, table


@figure("Sizes", lambda config: f"The {len(config.sizes)} sizes that are averaged.")
def sizes(record: AverageRecord):
    chart = plots.new_chart("step", "size (units)", title=HOSTILE)
    plots.line(chart, list(range(len(record.sizes))), record.sizes, "size")
    return chart


@table("Sizes")
def size_table(record: AverageRecord):
    return ["place", HOSTILE], list(enumerate(record.sizes))


@metrics
def headline(record: AverageRecord):
    return {"mean size": record.mean}
