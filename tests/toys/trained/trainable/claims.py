from eigenlab.experiments.trainable.records import EndRecord, FitRecord, PrepareRecord

from eigenlab.lab import at_most, claim, close


@claim("9c.width", "The width is the configured one.", source="9c")
def width(record: PrepareRecord):
    return [close("width", record.width, 4, tolerance=0)]


@claim("9c.bound", "NaN is not below a bound.", source="9c")
def bound(record: PrepareRecord):
    return [at_most("nothing", record.nothing, record.bound)]


@claim("9c.learns", "The loss falls.", source="9c")
def learns(record: FitRecord):
    return [at_most("last loss", record.losses[-1][1], record.losses[0][1])]


@claim("9c.end", "A draw is below one.", source="9c")
def end(record: EndRecord):
    return [at_most("draw", record.draw, 1.0)]
