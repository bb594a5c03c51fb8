"""The numbers of the course in docs/ are those of a stored run of all experiments.

As in `test_document_numbers.py`; `benchmarks/course.py` stores the run, `benchmarks/corpora.py` the
properties of the sentence pairs.
"""

from __future__ import annotations

import math

import pytest

from eigenlab.statistics import mean_interval
from quotes import missing_quotes, row, stored


def experiment(name):
    return stored("course")["experiments"][name]


def measured(name, claim):
    """The numbers of a claim in the order in which it lists them."""
    return list(experiment(name)["claims"][claim]["measured"].values())


def table(name, title):
    """The rows of a table by their first cell."""
    return {each[0]: each[1:] for each in experiment(name)["tables"][title]["rows"]}


def percent(share):
    return f"{100 * share:.0f} %"


def exponent(value):
    """The smallest power of ten that bounds the number: 1e-8."""
    return f"1e{math.ceil(math.log10(value))}"


def gradients_flow():
    differences = [
        value
        for claim in ("1d.hidden-gradients", "1d.path-terms")
        for value in measured("gradient-flow", claim)
    ]
    closed = max(measured("gradient-flow", "1e.closed-form"))
    rate = max(measured("gradient-flow", "1e.growth-rate")[:5])
    yield (
        f"finite differences agree to {exponent(max(differences))} or better, the closed form to "
        f"{math.ceil(closed * 1e14):.0f}e-14, and the measured rate is within {rate:.3f} nats"
    )


def gradients_shares():
    shares = table("gradient-statistics", "share-table")
    vanishes, explodes, state = (
        shares[event]
        for event in ("gradient vanishes", "gradient explodes", "hidden state explodes")
    )
    low, high = vanishes[2].partition("[")[2].rstrip("]").split(", ")
    yield (
        f"the gradient vanishes in {percent(vanishes[0])} of the tanh and {percent(vanishes[1])} "
        f"of the ReLU networks (difference {float(low):.2f} to {float(high):.2f}) and explodes in "
        f"{percent(explodes[0])} and {percent(explodes[1])}"
    )
    assert state[0] == 0
    yield f"the hidden state explodes in none and in {percent(state[1])}"
    (rms,) = measured("gradient-statistics", "1f.near-zero")
    yield f"in tanh networks whose gradient explodes their rms is at least {rms:.2f}"
    (difference,) = measured("gradient-statistics", "1f.large-inputs")
    yield f"the share that vanishes is {-100 * difference:.0f} percentage points below"


def gradients_targets():
    rows = experiment("gradient-statistics")["tables"]["map-table"]["rows"]
    cells = {tuple(each[:3]): each[3:5] for each in rows if each[0] == max(r[0] for r in rows)}
    updates = max(each[0] for each in rows)
    last, every = cells[updates, 15, 30]
    yield row(
        "delayed copy, 15 steps, 30 targets per sequence",
        f"**helps**: error {every:.2f} against {last:.2f} of the variance",
    )
    errors = [value for key, pair in cells.items() if key[1] == 30 for value in pair]
    assert all(f"{error:.2f}" == "1.00" for error in errors)
    assert max(value for key, pair in cells.items() if key[1] == 5 for value in pair) < 0.01
    assert cells[updates, 15, 3][1] > cells[updates, 15, 3][0]
    last, every = table("gradient-statistics", "long-range-table")["hold the first input"][1:3]
    yield row("first input held for 30 steps", f"**helps**: {every:.2f} against {last:.2f}")


def gradients_stacked():
    losses = {
        name: (float(cells[-1].partition(" ")[0]) * cells[3], cells[3])
        for name, cells in table("stacked-rnn", "losses").items()
        if cells[-1]
    }
    (one, of_one), (two, of_two), (linear_one, _), (linear_two, _) = (
        losses[name]
        for name in (
            "RNN, one layer",
            "RNN, two layers",
            "RNN, one layer, W_x as in Linear",
            "RNN, two layers, W_x as in Linear",
        )
    )
    yield (
        f"{one:.0f} of {of_one} networks of one layer end below 0.01 and {two:.0f} of {of_two} of "
        "two layers below 0.001"
    )
    yield (
        f"{linear_one:.0f} of {of_one} and {linear_two:.0f} of {of_two} do (**refuted**)"
    ).replace(" 0 of", " none of")
    metrics = experiment("stacked-rnn")["metrics"]
    yield f"{metrics['rate of LSTM minus RNN']:.2f} nats per step, far from the loss"
    gate = measured("stacked-rnn", "1h.forget-gate")
    yield f"{gate[0]:.2f}, {gate[1]:.2f}, {gate[2]:.2f} for a forget bias of 0, 1, 3"


def clustering_variants():
    variants = table("graph-clustering", "variants")
    for label, name in {
        "the points": "raw points",
        "three vectors of M": "symmetric",
        "three left singular vectors of S": "stochastic",
        "three vectors of M, rows of length one": "rows",
    }.items():
        rand, information, *_, accuracy = variants[name]
        yield row(label, f"{rand:.3f}", f"{information:.3f}", f"{_share(accuracy)} %")
    for label, name in {
        "four vectors of M": "symmetric, 4 vectors",
        "three vectors of M without loops, A_ii = 0": "symmetric, no loops",
    }.items():
        rand, *_, accuracy = variants[name]
        yield row(label, f"{rand:.3f}", "X", f"{_share(accuracy)} %").replace(" X ", " ")
    (eigenvectors,) = measured("graph-clustering", "5g.eigenvectors")
    cells = row("three eigenvectors of S", "X", "Y", f"{_share(eigenvectors)} %")
    yield cells.replace(" X ", " ").replace(" Y ", " ")


def _share(share):
    """In percent with one decimal; a half is rounded up, as by hand."""
    return f"{math.floor(1000 * share + 0.5 + 1e-9) / 10:.1f}"


def clustering_why():
    right, above = measured("graph-clustering", "5a.correct-means")
    yield (
        f"the right one for {_share(right + above)} % of the points, and k-means that starts from "
        f"the true means moves away from them, to {_share(right)} %"
    )
    spectra = experiment("graph-clustering")["spectra"]
    M, S = spectra["symmetric"], spectra["stochastic"]
    yield f"Its eigenvalue is {M[2]:.5f}, so its vector comes *third*"
    yield f"the one that separates the upper blobs ({M[3]:.5f})"
    yield f"the singular values are {S[0]:.4f}, {S[1]:.4f} and {S[2]:.4f}"
    yield f"whose singular value is less than 1 ({S[3]:.4f})"
    *_, degree = measured("graph-clustering", "5f.isolated-point")
    yield f"whose degree is {100 * degree:.1f} % of the median"
    starts = table("graph-clustering", "starts")["rows"]
    words = {"4 of 60": "of sixty single starts four"}[starts[0]]
    yield f"{words} ended at an adjusted Rand index of {starts[1]:.2f}"
    least = min(measured("graph-clustering", "5f.skipped-vectors")[::2])
    yield f"all three normalisations reach {math.floor(100 * least) / 100:.2f} or more from"


def clustering_many_points():
    rows = table("graph-clustering", "many-points")
    neighbours = [f"{rows[n][3]:.2f}" for n in (2_000, 10_000, 50_000)]
    yield (
        f"is {neighbours[0]} at 2,000 points, {neighbours[1]} at 10,000 and {neighbours[2]} at "
        "50,000, while that of the complete graph stays at "
        f"{min(cells[0] for cells in rows.values()):.2f} up to a million"
    )


def clustering_cost_model():
    model = stored("spectral_clustering")["cost_model"]
    yield (
        f"where {1e6 * model['shared_s_per_point']:.1f} us a point are transforms, which are "
        f"shared, {1e6 * model['alone_s_per_point']:.1f} us a point are k-means"
    )


def clustering_machines():
    predictions = stored("spectral_clustering")["cost_model"]["predictions"]
    ten_million = [
        each["seconds"] for each in stored("spectral_clustering")["cold"] if each["n"] == 10_000_000
    ]
    for name, cells in predictions.items():
        points, _, machines = name.partition(" on ")
        seconds = _duration(cells["fourier_s"])
        if name == "1e+07 on 1":
            seconds += f" (measured: {ten_million[0]:.0f} s)"
        memory = f"{cells['gib']:.1f}" if cells["gib"] < 10 else f"{cells['gib']:.0f}"
        yield row(
            f"10^{math.log10(float(points)):.0f}",
            machines,
            seconds,
            f"{memory} GiB",
            _duration(cells["tiled_product_s"]),
        )


def _duration(seconds):
    """Two digits of the largest unit that is at least two of, or the whole of what is longer."""
    for unit, size in (("days", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size or (unit == "h" and seconds >= size):
            value = seconds / size
            return (
                f"{value:.1f} {unit}" if value < 10 and value % 1 > 0.05 else f"{value:.0f} {unit}"
            )
    return f"{seconds:.0f} s"


def autoencoders_labels():
    found = stored("few_labels")["mnist"]
    for encoder in dict.fromkeys(each["encoder"] for each in found["rows"]):
        values = [
            100 * each["accuracy"]
            for each in found["rows"]
            if (each["encoder"], each["labels"]) == (encoder, 200)
        ]
        interval = mean_interval(values)
        words = f"{interval.estimate:.1f} ± {(interval.high - interval.low) / 2:.1f} %"
        label = {"PCA": "PCA, 64 axes", "random": "random, linear layers"}.get(encoder, encoder)
        yield row(label, f"**{words}**" if encoder == "warped, convolutional" else words, "")[:-3]


def translation_exposure():
    rows = table("teacher-forcing", "trainings")
    kinds = [rows[kind] for kind in ("teacher forcing", "scheduled sampling", "own words only")]
    names = experiment("teacher-forcing")["tables"]["trainings"]["columns"][1:]
    columns = {name: [kind[place] for kind in kinds] for place, name in enumerate(names)}
    yield row("seeds", *columns["seeds"])
    for label, name in {
        "perfect sentences (both ways of feeding)": "perfect sentences",
        "tokens right, fed the target": "tokens right, forced",
        "tokens right, free-running": "tokens right, free",
        "after the first error, fed the target": "after the first error, forced",
        "after the first error, free-running": "after the first error, free",
    }.items():
        yield row(label, *(f"{100 * value:.1f} %" for value in columns[name]))
    for label, name in {
        "-log p of the right token, fed the target (nats)": "-log p, forced (nats)",
        "-log p of the right token, free-running (nats)": "-log p, free (nats)",
    }.items():
        yield row(label, *(f"{value:.2f}" for value in columns[name]))
    yield row(
        "BLEU of what is predicted when fed the target",
        *(f"{value:.1f}" for value in columns["BLEU, forced"]),
    )
    yield row("BLEU of the translations", *(f"{value:.1f}" for value in columns["BLEU"]))
    yield (
        f"an accuracy of {percent(columns['tokens right, forced'][0])} under teacher forcing "
        f"stands for {percent(columns['tokens right, free'][0])} in use"
    )


STACKING = {
    "words, read": "words whose counterpart has been read",
    "words, not yet read": "words whose counterpart has not been read",
    "words, no counterpart": "words without counterpart (*do*, *a*)",
    "sentences, English longer, monotone": "sentences, English longer, monotone",
    "sentences, English longer, reordered": "English longer, reordered",
    "sentences, English same length, monotone": "same length, monotone",
    "sentences, English same length, reordered": "same length, reordered",
    "sentences, English shorter, monotone": "English shorter, monotone",
    "sentences, English shorter, reordered": "English shorter, reordered",
    "sentences, all": "all sentences",
}


def translation_stacking():
    rows = table("stacking-design", "right")
    for name, label in STACKING.items():
        number, *shares = rows[name]
        yield row(label, f"{number:,}", *(f"{100 * share:.1f}" for share in shares))
    (first, second) = experiment("stacking-design")["tables"]["models"]["rows"]
    yield (
        f"LSTMs with {first[2]} hidden units (sequential) and {second[2]} (stacked), {first[3]:,} "
        f"and {second[3]:,} parameters"
    )


def translation_stacking_longer():
    found = stored("stacking_full")["experiments"]["stacking-design"]["tables"]["right"]["rows"]
    parts = ("words, read", "words, not yet read", "sentences, all")
    limits, sequential, stacked = (
        [f"{100 * cells[place]:.1f}" for name in parts for cells in found if cells[0] == name]
        for place in (2, 3, 4)
    )
    yield (
        f"the sequential design has {sequential[0]} % of the words that have been read, "
        f"{sequential[1]} % of those that have not, and {sequential[2]} % of all sentences; the "
        f"stacked one has {stacked[0]}, {stacked[1]} and {stacked[2]} %, with limits of "
        f"{limits[0]}, {limits[1]} and {limits[2]} %"
    )


def translation_inside():
    inside = table("translation", "inside")
    for label, name in {
        "spectral radius of W_hn, encoder: initial, trained": "encoder",
        "spectral radius of W_hn, decoder: initial, trained": "decoder",
    }.items():
        start, end = (
            inside[f"spectral radius of W_hn, {name}, {when}"] for when in ("initial", "trained")
        )
        yield row(label, *(f"{start[i]}, {float(end[i]):.1f}" for i in (0, 1)))
    metrics = experiment("translation")["metrics"]
    shares = [metrics[f"exact match, {model}"] for model in ("last state", "attention")]
    yield row("exact match (greedy)", *(percent(share) for share in shares))
    quality = experiment("translation")["tables"]["quality"]["rows"]
    bleu = {(each[0], each[1]): each[3] for each in quality}
    yield row(
        "BLEU (greedy; beam of 5)",
        *(
            f"{bleu[model, 'greedy']}; {bleu[model, 'beam search']}"
            for model in ("last state", "attention")
        ),
    )
    for order, _, *bleu in experiment("translation")["tables"]["bleu-by-order"]["rows"]:
        yield row(f"BLEU of pairs that are {order.replace(', ', ', of ')}", *bleu)
    aligned = "target words whose heaviest source word is aligned"
    uniform, diagonal = (
        inside[f"the same {how}"][1] for how in ("with uniform weights", "on the diagonal")
    )
    words = f"{aligned} (uniform {uniform}, diagonal {diagonal})"
    yield row(words, "X", inside[aligned][1]).replace("%", " %").replace(" X ", " ")
    share = "share of the last word's gradient at the words it translates"
    yield row(
        "share of the last word's gradient at the source words it translates (equal norms: 18 %)",
        *(cell.replace("%", " %") for cell in inside[share]),
    )


def translation_corpora():
    found = stored("corpora")
    for name, cells in found["leaks"].items():
        yield row(
            name,
            f"{cells['test']:,}",
            cells["source"],
            cells["target"],
            f"{cells['either']:,} ({percent(cells['either'] / cells['n_pairs'])})",
            cells["largest_group"],
        )
    for name, cells in found["padding"].items():
        yield row(name, *(f"{100 * share:.1f}" for share in cells.values()))
    counts = found["multi30k"]
    captions = [counts[f"{pair}, val"] for pair in ("de-en", "fr-en")]
    yield f"Of its validation captions (de-en, fr-en) {captions[0]} and {captions[1]} of 1,014"
    assert not any(counts[f"{pair}, test_2016_flickr"] for pair in ("de-en", "fr-en"))
    (other,) = {counts[f"{pair}, test_2017_flickr"] for pair in ("de-en", "fr-en")}
    yield f"of test_2016_flickr none, of test_2017_flickr {other} of 1,000"


def translation_phrasebook():
    found = stored("corpora")["phrasebook, 50,000 pairs"]
    for order in ("monotone", "reordered"):
        counts = [
            found["pairs"][f"{order}, {length}"]
            for length in ("Spanish longer", "same length", "English longer")
        ]
        yield row(order, *(f"{count:,}" for count in (*counts, sum(counts))))
    (low, high, mean), (least, most, english) = found["lengths"]
    yield f"{low} to {high} (mean {mean:.1f}) in Spanish, {least} to {most} ({english:.1f}) in"


def translation_cells():
    rows = stored("translation_budgets")["rows"]
    ours, plain, gru = (
        f"{rows[name]['5']['bleu']:.1f}" for name in ("ours rnn", "plain rnn", "ours gru")
    )
    yield (
        f"{ours} BLEU after five minutes on 30,000 pairs of spa-eng, where plain code has {plain}"
    )
    yield f"carries its state by addition, has {gru}"


def benchmarks_corpora():
    cells = stored("corpora")["leaks"]["spa-eng, the 30,000 shortest pairs"]
    yield f"a random split would have leaked {cells['either']} of them"
    yield f"as {percent(cells['either'] / cells['n_pairs'])} of those of a random split would"


def vision_shapes():
    right = {name: cells for name, *cells in _rungs()}
    words = ("ResNet-18", "ResNet-9", "whitened patches", "SpeedNet and Muon")
    first, second, third, fourth = (percent(right[name][3]) for name in words)
    yield (
        f"the ResNet-18 is right on {first} of the test images, the ResNet-9 on {second}, with "
        f"whitened patches on {third}, and SpeedNet with Muon on {fourth}"
    )


def _rungs():
    return [each[1:] for each in experiment("training-ladder")["tables"]["rungs"]["rows"]]


def linear_combinations():
    rows = experiment("regularized-autoencoder")["tables"]["combination-table"]["rows"]
    assert sum(sine < 1e-6 for *_, sine, _ in rows) == 1
    yield f"compares {len(rows)} combinations"


def linear_passes():
    found = stored("pca")
    several = found["in_memory"]["eigenlab, randomized"]["variance_error"]
    one = found["streamed"]["eigenlab, chunks, one-pass sketch"]["variance_error"]
    yield (
        f"on MNIST with {found['k']} components the relative error of single variances is "
        f"{one:.2f}, and {several:.0e} after six passes"
    ).replace("e-0", "e-")


def traces_forget_gate():
    rows = stored("vanishing_lstm")["rows"]
    plain, raised = (rows[f"forget-gate bias {bias}"] for bias in (0, 6))
    name = "radius of the input gate"
    yield (
        f"have input gates of radius {plain[name]:.2f} and {raised[name]:.2f} after 600 updates, "
        f"but exponents of {plain['lyapunov_exponent']:.2f} and "
        f"{raised['lyapunov_exponent']:+.2f}"
    )


QUOTES = [
    ("docs/gradients.md", gradients_flow),
    ("docs/gradients.md", gradients_shares),
    ("docs/gradients.md", gradients_targets),
    ("docs/gradients.md", gradients_stacked),
    ("docs/clustering.md", clustering_variants),
    ("docs/clustering.md", clustering_why),
    ("docs/clustering.md", clustering_many_points),
    ("docs/clustering.md", clustering_cost_model),
    ("docs/clustering.md", clustering_machines),
    ("docs/autoencoders.md", autoencoders_labels),
    ("docs/translation.md", translation_exposure),
    ("docs/translation.md", translation_stacking),
    ("docs/translation.md", translation_stacking_longer),
    ("docs/translation.md", translation_inside),
    ("docs/translation.md", translation_corpora),
    ("docs/translation.md", translation_cells),
    ("docs/translation.md", translation_phrasebook),
    ("benchmarks/README.md", benchmarks_corpora),
    ("docs/vision.md", vision_shapes),
    ("docs/linear.md", linear_combinations),
    ("docs/linear.md", linear_passes),
    ("docs/traces.md", traces_forget_gate),
]


@pytest.mark.parametrize(
    ("document", "quotes"), QUOTES, ids=lambda value: getattr(value, "__name__", value)
)
def test_a_page_states_what_the_stored_run_found(document, quotes):
    assert not missing_quotes(document, quotes())
