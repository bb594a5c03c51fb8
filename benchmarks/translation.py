"""Training and decoding translators beside plain code with torch's own layers.

    python benchmarks/translation.py [speed] [decoding] [phrasebook] [budgets] [tanh] [short]
                                     [multi30k]
    python benchmarks/translation.py joeynmt --joey PYTHON [--minutes 5]

Without arguments: speed and decoding, some minutes. ``phrasebook`` trains three models for four
minutes each, ``budgets`` ours and the plain ones for 2, 5 and 10 minutes each (over an hour in all;
what is stored by the same machine is kept), ``tanh`` four tanh RNNs for two minutes each, ``short``
one on all pairs of up to 12 words for 20 minutes, and ``multi30k`` one on Multi30k, as long as it
takes. ``joeynmt`` trains JoeyNMT, whose environment is that of the interpreter PYTHON, and ours for
five minutes each. EIGENLAB_DATA must hold the corpus.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from statistics import median, quantiles
from typing import Any

import torch

from _joeynmt import train_joeynmt
from _plain_translation import PlainSeq2Seq, plain_step
from _side_by_side import PAUSE, RESULTS, alternate, show, store, summarise
from eigenlab.errors import DataError
from eigenlab.files import read_json
from eigenlab.reporter import Reporter
from eigenlab.translation import (
    PairBatch,
    SentencePair,
    Seq2Seq,
    Translator,
    Vocabulary,
    beam_search,
    bleu,
    bucketed_batches,
    detokenize,
    fit_seq2seq,
    greedy_decode,
    load_multi30k,
    load_spa_eng,
    pad_sentences,
    phrasebook,
    recurrent_eigenvalues,
    split_pairs,
    tokenize,
    translation_loss,
)

HIDDEN, BATCH = 256, 128
SHORTEST, TEST = 30_000, 2_000
MAX_LENGTH = 30
CELLS = ("gru", "rnn", "lstm")


class Corpus:
    """Pairs in two parts that share no sentence, and the vocabularies of the first."""

    def __init__(self, pairs: list[SentencePair], test: int, batch: int = BATCH) -> None:
        split = split_pairs(pairs, test=test, seed=0)
        self.train = [pairs[i] for i in split.train]
        self.test = [pairs[i] for i in split.test]
        self.random_leaks = split.random_leaks.either
        self.batch = batch
        self.is_reversed = False  # whether the last word of a source is read first
        self.source = Vocabulary.build([pair.source for pair in self.train])
        self.target = Vocabulary.build([pair.target for pair in self.train])
        self.sizes = len(self.source), len(self.target)
        # <eos> included
        self.target_tokens = sum(len(tokens) + 1 for tokens in self.encoded(self.train)[1])

    def encoded(self, pairs: list[SentencePair]) -> tuple[list[list[int]], list[list[int]]]:
        order = -1 if self.is_reversed else 1
        return (
            [self.source.encode(pair.source)[::order] for pair in pairs],
            [self.target.encode(pair.target) for pair in pairs],
        )

    def batches(self, **options: Any) -> bucketed_batches:
        encoded = self.encoded(self.train)
        return bucketed_batches(*encoded, batch_size=self.batch, seed=0, **options)

    def quality(self, write: Callable[[torch.Tensor, torch.Tensor], list[list[int]]]) -> dict:
        """BLEU of the test pairs, which are written together in the order of their lengths."""
        sources, _ = self.encoded(self.test)
        order = sorted(range(len(sources)), key=lambda row: len(sources[row]))
        written: dict[int, str] = {}
        for start in range(0, len(order), BATCH):
            rows = order[start : start + BATCH]
            tokens = write(*pad_sentences([sources[row] for row in rows]))
            written |= {row: self.target.decode(t) for row, t in zip(rows, tokens, strict=True)}
        found = bleu([written[row] for row in range(len(order))], [p.target for p in self.test])
        return {"bleu": found.bleu, "exact": found.exact_match, "signature": found.signature}


def shortest() -> Corpus:
    pairs = sorted(load_spa_eng(), key=lambda pair: len(pair.source) + len(pair.target))
    return Corpus(pairs[:SHORTEST], TEST)


class Plain:
    """The plain model with Adam on random batches."""

    def __init__(self, corpus: Corpus, cell: str) -> None:
        torch.manual_seed(0)
        self.model = PlainSeq2Seq(*corpus.sizes, HIDDEN, cell)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-3)
        self.batches, self.step = corpus.batches(pool=1), 0

    def __call__(self) -> int:
        batch = self.batches(self.step)
        plain_step(self.model, self.optimizer, batch)
        self.step += 1
        return int(batch.target_lengths.sum())


class Ours:
    """eigenlab's model and loss with fused AdamW on bucketed batches."""

    def __init__(self, corpus: Corpus, cell: str, *, bfloat16: bool = False) -> None:
        torch.manual_seed(0)
        self.model = Seq2Seq(*corpus.sizes, HIDDEN, cell=cell)
        self.optimizer = torch.optim.AdamW(
            self.model.parameters(), lr=1e-3, weight_decay=0.0, fused=True
        )
        self.batches, self.step, self.bfloat16 = corpus.batches(), 0, bfloat16

    def __call__(self) -> int:
        batch = self.batches(self.step)
        with torch.autocast("cpu", torch.bfloat16, enabled=self.bfloat16):
            loss = translation_loss(self.model, PairBatch(*batch))
        self.optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.step += 1
        return int(batch.target_lengths.sum())


def speed() -> dict[str, Any]:
    """Target tokens per second, in turns of eight updates."""
    corpus = shortest()
    ways: dict[str, Callable[[], int]] = {}
    for cell in CELLS:
        ways[f"plain {cell}"] = Plain(corpus, cell)
        ways[f"ours {cell}"] = Ours(corpus, cell)
        ways[f"ours {cell}, bfloat16"] = Ours(corpus, cell, bfloat16=True)
    samples: dict[str, list[float]] = {name: [] for name in ways}
    for way in ways.values():
        for _ in range(4):
            way()
    for _ in range(15):
        for name, way in ways.items():
            time.sleep(PAUSE)
            begin = time.perf_counter()
            tokens = sum(way() for _ in range(8))
            samples[name].append(tokens / (time.perf_counter() - begin))
    rows = {}
    for name, values in samples.items():
        plain = samples[f"plain {name.split()[1].rstrip(',')}"]
        ratios = [a / b for a, b in zip(values, plain, strict=True)]
        rows[name] = {
            "tokens_per_second": median(values),
            "quartiles": quantiles(values, n=4)[::2],
            "ratio": median(ratios),
            "ratio_quartiles": quantiles(ratios, n=4)[::2],
            "samples": values,
        }
        print(f"{name:24s} {median(values):8.0f} tokens/s  {median(ratios):5.2f} x plain")
    return {
        "rows": rows,
        "padding": {
            "plain": corpus.batches(pool=1).padding_share(),
            "ours": corpus.batches().padding_share(),
        },
        "vocabularies": corpus.sizes,
    }


def decoding() -> dict[str, Any]:
    """2,000 sentences by a model trained for a minute: a plain loop, ours, and beam search."""
    corpus = shortest()
    torch.manual_seed(0)
    model = Seq2Seq(*corpus.sizes, HIDDEN)
    fit_seq2seq(model, corpus.batches(), steps=660, learning_rate=4e-3)
    model.eval()
    plain = as_plain(model, corpus)
    sources, _ = corpus.encoded(corpus.test)
    order = sorted(sources, key=len)
    parts = [pad_sentences(order[at : at + BATCH]) for at in range(0, len(order), BATCH)]
    unsorted = [
        pad_sentences(sources[start : start + BATCH]) for start in range(0, len(order), BATCH)
    ]
    ways = {
        "plain loop, as they come": lambda: [plain.translate(s, MAX_LENGTH) for s, _ in unsorted],
        "plain loop, sorted": lambda: [plain.translate(s, MAX_LENGTH) for s, _ in parts],
        "ours, greedy": lambda: [greedy_decode(model, *p, max_length=MAX_LENGTH) for p in parts],
        "ours, beam 5": lambda: [
            beam_search(model, *p, beam_size=5, max_length=MAX_LENGTH) for p in parts
        ],
    }
    rows = summarise(alternate(ways, rounds=7), "ours, greedy")
    show("2,000 sentences", rows, "ours, greedy", None)
    greedy = corpus.quality(lambda s, n: [t.tokens for t in greedy_decode(model, s, n)])
    beam = corpus.quality(lambda s, n: [t[0].tokens for t in beam_search(model, s, n)])
    alone = corpus.quality(lambda s, n: plain.translate(s, MAX_LENGTH))
    for name, found in (("greedy", greedy), ("beam 5", beam), ("plain loop", alone)):
        print(f"  BLEU {name:12s} {found['bleu']:.2f}")
    return {"rows": rows, "greedy": greedy, "beam": beam, "plain": alone}


def as_plain(model: Seq2Seq, corpus: Corpus) -> PlainSeq2Seq:
    """The same weights in the plain loop."""
    plain = PlainSeq2Seq(*corpus.sizes, HIDDEN, "gru").eval()
    renamed = {
        name.replace("encoder.layers.0", "encoder").replace("decoder.layers.0", "decoder"): value
        for name, value in model.state_dict().items()
    }
    plain.load_state_dict(renamed)
    return plain


MINUTES = {"gru": (2, 5, 10), "rnn": (2, 5)}
#: Ours: options of the model, and settings of fit_seq2seq.
CONTESTANTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "ours gru": (
        {"bidirectional": True, "dropout": 0.2},
        {"learning_rate": 6e-3, "label_smoothing": 0.1},
    ),
    "ours gru, attention": (
        {"bidirectional": True, "attention": True, "dropout": 0.2},
        {"learning_rate": 6e-3, "label_smoothing": 0.1},
    ),
    "ours rnn": (
        {"cell": "rnn", "bidirectional": True},
        {"learning_rate": 2e-3},
    ),
    "tanh": (
        {"cell": "rnn"},
        {"learning_rate": 2e-3},
    ),
    "phrasebook: gru, attention": (
        {"bidirectional": True, "attention": True},
        {"learning_rate": 8e-3, "precision": "auto"},
    ),
    "phrasebook: gru, last state": ({}, {"learning_rate": 8e-3, "precision": "auto"}),
    "phrasebook: rnn, last state": (
        {"cell": "rnn"},
        {"learning_rate": 2e-3, "precision": "auto"},
    ),
}


def budgets() -> dict[str, Any]:
    """BLEU after equal times: ours anew for each, since its learning rate falls to zero in it.

    What is stored is kept, so that a run that was stopped goes on.
    """
    corpus = shortest()
    path = RESULTS / "translation_budgets.json"
    rows: dict[str, dict[str, Any]] = read_json(path)["rows"] if path.exists() else {}
    found = {"rows": rows, "random_leaks": corpus.random_leaks, "test": len(corpus.test)}
    for cell, budget in MINUTES.items():
        plain = f"plain {cell}"
        if set(rows.get(plain, {})) != {str(minutes) for minutes in budget}:
            rows[plain] = plain_curve(corpus, cell, budget)
            store("translation_budgets", found)
        for name in CONTESTANTS:
            for minutes in budget if name.startswith(f"ours {cell}") else ():
                row = rows.setdefault(name, {})
                if str(minutes) not in row:
                    row[str(minutes)] = ours_after(corpus, name, 60 * minutes)
                    store("translation_budgets", found)
    return found


def plain_curve(corpus: Corpus, cell: str, budget: tuple[int, ...]) -> dict[str, Any]:
    """One training, evaluated at each time; the clock stops for the evaluations."""
    plain, spent, tokens, found = Plain(corpus, cell), 0.0, 0, {}
    for minutes in budget:
        while spent < 60 * minutes:
            begin = time.perf_counter()
            tokens += plain()
            spent += time.perf_counter() - begin
        plain.model.eval()
        quality = corpus.quality(lambda source, _: plain.model.translate(source, MAX_LENGTH))
        plain.model.train()
        found[str(minutes)] = {
            **quality,
            "tokens_per_second": tokens / spent,
            "updates": plain.step,
        }
        print(f"plain {cell}, {minutes} min: BLEU {quality['bleu']:.1f}", flush=True)
    return found


def ours_after(
    corpus: Corpus,
    name: str,
    seconds: float,
    hidden: int = HIDDEN,
    begin_from: Callable[[Seq2Seq], None] | None = None,
) -> dict[str, Any]:
    """Train for as many updates as fit into the time, by the speed of the first ones.

    ``begin_from`` changes the weights that the training begins from.
    """
    options, settings = CONTESTANTS[name]

    def fit(steps: int) -> Seq2Seq:
        torch.manual_seed(0)
        model = Seq2Seq(*corpus.sizes, hidden, **options)
        if begin_from is not None:
            begin_from(model)
        fit_seq2seq(model, batches, steps=steps, **settings)
        return model.eval()

    batches = corpus.batches()
    fit(20)  # the first updates are slower
    begin = time.perf_counter()
    fit(120)
    steps = int(120 * seconds / (time.perf_counter() - begin))
    begin = time.perf_counter()
    model = fit(steps)
    spent = time.perf_counter() - begin
    quality = corpus.quality(
        lambda *source: [t.tokens for t in greedy_decode(model, *source, max_length=MAX_LENGTH)]
    )
    radius = {
        f"{part}, {block}": float(values.abs().max())
        for part, blocks in recurrent_eigenvalues(model).items()
        for block, values in blocks.items()
    }
    print(
        f"{name}, {spent / 60:.1f} min, {steps} updates: BLEU {quality['bleu']:.1f}, exact "
        f"{quality['exact']:.1%}",
        flush=True,
    )
    found = {
        **quality,
        "seconds": spent,
        "updates": steps,
        "tokens_per_second": corpus.target_tokens * steps / batches.steps_per_epoch / spent,
        "parameters": sum(each.numel() for each in model.parameters()),
        "learning_rate": settings["learning_rate"],
        "hidden_size": hidden,
    }
    return {**found, "spectral_radius": radius}


def tanh() -> dict[str, Any]:
    """What lifts the tanh RNN, one change after the other, and the spectral radius of its W_h."""
    corpus = shortest()
    rows = {"uniform W_h": ours_after(corpus, "tanh", 120, begin_from=draw_uniform)}
    rows["orthogonal W_h"] = ours_after(corpus, "tanh", 120)
    corpus.is_reversed = True
    rows["and the source reversed"] = ours_after(corpus, "tanh", 120)
    corpus.is_reversed = False
    rows["and a bidirectional encoder instead"] = ours_after(corpus, "ours rnn", 120)
    return {"rows": rows, "test": len(corpus.test)}


def draw_uniform(model: Seq2Seq) -> None:
    """Draw W_h uniform in +-1/sqrt(H), as ``torch.nn.RNN`` does."""
    for name, parameter in model.named_parameters():
        if name.endswith("W_h"):
            torch.nn.init.uniform_(parameter, -(HIDDEN**-0.5), HIDDEN**-0.5)


def short() -> dict[str, Any]:
    """All pairs of up to 12 words on both sides, 20 minutes with attention."""
    pairs = [
        pair
        for pair in load_spa_eng()
        if max(len(tokenize(pair.source)), len(tokenize(pair.target))) <= 12
    ]
    corpus = Corpus(pairs, TEST)
    found = ours_after(corpus, "ours gru, attention", 20 * 60)
    return {"pairs": len(pairs), "random_leaks": corpus.random_leaks, **found}


#: Pairs of the phrasebook and of a batch: more pairs hold the rare verb forms more often.
PHRASES = {"phrasebook: gru, attention": (100_000, 256)}
#: Seconds planned for the phrasebook: a machine that slows down still ends within four minutes.
PHRASES_SECONDS = 200


def phrases() -> dict[str, Any]:
    """Exact match on unseen pairs of the phrasebook in less than four minutes.

    A row that is stored with the same settings is kept.
    """
    path = RESULTS / "translation_phrasebook.json"
    rows: dict[str, dict[str, Any]] = read_json(path)["rows"] if path.exists() else {}
    for name, (options, settings) in CONTESTANTS.items():
        if not name.startswith("phrasebook: "):
            continue
        pairs, batch = PHRASES.get(name, (50_000, BATCH))
        given = {
            "hidden": 128,
            "options": options,
            "settings": settings,
            "pairs": pairs,
            "batch": batch,
            "seconds": PHRASES_SECONDS,
        }
        if rows.get(name, {}).get("given") != given:
            corpus = Corpus(phrasebook(pairs), 1000, batch)
            found = ours_after(corpus, name, PHRASES_SECONDS, hidden=128)
            rows[name] = {**found, "given": given}
            store("translation_phrasebook", {"part": "phrasebook", "rows": rows})
    return {"rows": rows}


MULTI30K: dict[str, Any] = {
    "hidden_size": 256,
    "dropout": 0.4,
    "n_epochs": 30,
    "batch_size": 64,
    "learning_rate": 3e-3,
    "label_smoothing": 0.1,
    "min_count": 2,
    "lowercase": True,
    "precision": "auto",
    "max_length": 60,
    "random_state": 0,
}
#: Tokenised, lowercased BLEU of test_2016_flickr stored in bentrevett/pytorch-seq2seq.
ANCHORS = {
    "LSTM": 13.8,
    "GRU": 20.6,
    "additive attention": 28.3,
    "convolutional": 34.1,
    "Transformer": 36.5,
}


def multi30k() -> dict[str, Any]:
    """German to English on Multi30k; the epoch and the length penalty are chosen by validation."""
    parts = {part: load_multi30k(part) for part in ("train", "val", "test_2016_flickr")}
    translator = Translator(**MULTI30K)
    translator.fit(
        parts["train"],
        validation=parts["val"],
        reporter=Lines(),
        checkpoint=RESULTS / ".translation_multi30k",
    )
    penalties = {
        penalty: translator.quality(parts["val"], beam_size=5, penalty=penalty).bleu
        for penalty in (0.0, 0.5, 1.0)
    }
    best = max(penalties, key=lambda penalty: penalties[penalty])
    test = parts["test_2016_flickr"]
    rows = {}
    for name, beam, penalty in (("greedy", 1, 0.0), ("beam 5", 5, best)):
        written = translator.translate(
            [pair.source for pair in test], beam_size=beam, penalty=penalty
        )
        found = bleu(written, [pair.target for pair in test], lowercase=True)
        rows[name] = {
            "bleu": found.bleu,
            "signature": found.signature,
            "chrf": found.chrf,
            "tokenized_bleu": tokenized_bleu(written, [pair.target for pair in test]),
        }
        print(f"{name}: sacreBLEU {found.bleu:.1f}, tokenised {rows[name]['tokenized_bleu']}")
    history = translator.history_
    return {
        "parameters": MULTI30K,
        "rows": rows,
        "anchors": ANCHORS,
        "validation_by_penalty": penalties,
        "penalty": best,
        "validation": history.evaluations,
        "best_update": history.best_step,
        "seconds": history.seconds,
    }


def tokenized_bleu(written: list[str], references: list[str]) -> dict[str, float]:
    """BLEU of lowercased tokens, by spaCy's rules, as those scripts take it, and by our own."""
    ways = {"ours": lambda text: [token.strip("\uffed") for token in tokenize(text)]}
    try:
        import spacy

        english = spacy.blank("en")
        ways["spaCy"] = lambda text: [token.text for token in english.tokenizer(text)]
    except ImportError:
        print("spaCy is not installed; its tokens are left out")
    return {
        name: bleu(
            [" ".join(split(text.lower())) for text in written],
            [" ".join(split(text.lower())) for text in references],
            tokenize="none",
        ).bleu
        for name, split in ways.items()
    }


class Lines(Reporter):
    """Prints the quality of each epoch."""

    def metrics(self, values: Mapping[str, float], *, step: int) -> None:
        if "bleu" in values:
            print(f"  update {step}: validation BLEU {values['bleu']:.1f}", flush=True)


#: Highest learning rates at which JoeyNMT is trained; its better result counts.
JOEYNMT_RATES = (1e-3, 3e-3)


def joeynmt(python: Path, minutes: float) -> dict[str, Any]:
    """JoeyNMT's GRU with additive attention and ours, in turn, from equal sizes and times."""
    corpus = shortest()
    rows: dict[str, dict[str, Any]] = {}
    for rate in JOEYNMT_RATES:
        found = train_joeynmt(
            python,
            corpus.train,
            corpus.test,
            size=HIDDEN,
            batch_size=BATCH,
            max_length=MAX_LENGTH,
            learning_rate=rate,
            seconds=60 * minutes,
        )
        written = [detokenize(tokens) for tokens in found.pop("tokens")]
        quality = bleu(written, [pair.target for pair in corpus.test])
        rows[f"JoeyNMT, {rate:g}"] = {
            "bleu": quality.bleu,
            "exact": quality.exact_match,
            "signature": quality.signature,
            "learning_rate": rate,
            "tokens_per_second": found["target_tokens"] / found["seconds"],
            **found,
        }
    rows["ours"] = ours_after(corpus, "ours gru, attention", 60 * minutes)
    for name, row in rows.items():
        print(
            f"{name:16s} {row['tokens_per_second']:8.0f} target tokens/s, {row['updates']} updates "
            f"in {row['seconds'] / 60:.1f} min: BLEU {row['bleu']:.1f}",
            flush=True,
        )
    return {"rows": rows, "minutes": minutes, "test": len(corpus.test)}


PARTS = {
    "speed": speed,
    "decoding": decoding,
    "phrasebook": phrases,
    "budgets": budgets,
    "tanh": tanh,
    "short": short,
    "multi30k": multi30k,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", help=f"some of {', '.join(PARTS)}, joeynmt")
    parser.add_argument("--joey", type=Path, help="interpreter of the environment with JoeyNMT")
    parser.add_argument("--minutes", type=float, default=5, help="of each training of joeynmt")
    given = parser.parse_args()
    parts: dict[str, Callable[[], dict[str, Any]]] = dict(PARTS)
    if given.joey:
        parts["joeynmt"] = partial(joeynmt, given.joey, given.minutes)
    chosen = given.parts or ["speed", "decoding"]
    for name in chosen:
        if name not in parts:
            missing = "; joeynmt needs --joey PYTHON" if name == "joeynmt" else ""
            raise SystemExit(f"{name} is no part; choose from {', '.join(parts)}{missing}")
    for name in chosen:
        print(f"\n{name}")
        try:
            content = parts[name]()
        except DataError as error:
            print(f"skipped: {error}")
            continue
        store(f"translation_{name}", {"part": name, **content})


if __name__ == "__main__":
    main()
