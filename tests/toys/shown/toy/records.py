from eigenlab.lab import Integers, Record, Vector, measured


class CountRecord(Record):
    seeds: Integers = measured("The seed.")
    steps: Integers = measured("The steps taken.", unit="steps")


class AverageRecord(Record):
    seeds: Integers = measured("Three seeds.")
    sizes: Vector = measured("Numbers.", unit="units", shape="N")
    mean: float = measured("Their mean.", unit="units")
