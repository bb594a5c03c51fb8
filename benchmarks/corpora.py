"""Store what the pages say about the corpora: leaks of random splits, and padding of batches.

Reads spa-eng and Multi30k from EIGENLAB_DATA or the cache. Nothing is timed.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from statistics import fmean

from _side_by_side import store
from eigenlab.translation import (
    Vocabulary,
    bucketed_batches,
    count_leaks,
    load_multi30k,
    load_spa_eng,
    phrasebook,
    split_pairs,
    tokenize,
    word_order_class,
)

BATCH = 128


def leaks(pairs, test):
    split = split_pairs(pairs, test=test, validation=0, seed=0)
    return {"test": test, **asdict(split.random_leaks), "largest_group": split.largest_group}


def padding(pairs):
    sides = []
    for side in (0, 1):
        sentences = [pair[side] for pair in pairs]
        vocabulary = Vocabulary.build(sentences)
        sides.append([vocabulary.encode(sentence) for sentence in sentences])
    everything = -(-len(pairs) // BATCH)
    pools = {"random": 1, "pool=10": 10, "pool=100": 100, "everything": everything}
    return {
        name: bucketed_batches(*sides, batch_size=BATCH, pool=pool, seed=0).padding_share()
        for name, pool in pools.items()
    }


def word_orders(pairs):
    """How many pairs of each word order are longer in Spanish, in English, or in neither."""
    counts: Counter[str] = Counter()
    for pair in pairs:
        order = word_order_class(pair).partition(",")[0]
        spanish, english = (len(tokenize(side)) for side in (pair.source, pair.target))
        longer = {1: "Spanish longer", 0: "same length", -1: "English longer"}
        counts[f"{order}, {longer[(spanish > english) - (spanish < english)]}"] += 1
    lengths = [[len(tokenize(pair[side])) for pair in pairs] for side in (0, 1)]
    return {"pairs": counts, "lengths": [[min(n), max(n), fmean(n)] for n in lengths]}


def main() -> None:
    spanish, generated = list(load_spa_eng()), list(phrasebook(50_000))
    shortest = sorted(spanish, key=lambda pair: len(pair.source) + len(pair.target))[:30_000]
    german = list(load_multi30k("train"))
    store(
        "corpora",
        {
            "leaks": {
                "spa-eng, all": leaks(spanish, 4000),
                "spa-eng, the 30,000 shortest pairs": leaks(shortest, 2000),
                "phrasebook, 50,000 pairs": leaks(generated, 4000),
            },
            "padding": {
                "spa-eng": padding(spanish),
                "phrasebook, 50,000 pairs": padding(generated),
                "Multi30k, de-en": padding(german),
            },
            "phrasebook, 50,000 pairs": word_orders(generated),
            "multi30k": {
                f"{language}-en, {part}": count_leaks(
                    load_multi30k("train", language, "en"), load_multi30k(part, language, "en")
                ).either
                for language in ("de", "fr")
                for part in ("val", "test_2016_flickr", "test_2017_flickr")
            },
        },
    )


if __name__ == "__main__":
    main()
