from eigenlab.lab import Integers, Record, measured


class PrepareRecord(Record):
    width: int = measured("The configured width.")
    nothing: float = measured("NaN.")
    bound: float = measured("Infinity.")


class FitRecord(Record):
    seeds: Integers = measured("The seed.")
    losses: tuple[tuple[int, float], ...] = measured("Step and loss.")
    weights: tuple = measured("The parameters.")


class EndRecord(Record):
    draw: float = measured("A random number.")
    width: int = measured("The width that the first stage measured.")
