"""``eigenlab cluster`` writes the rows of a table with their labels, or one line of error."""

from __future__ import annotations

import gzip
import io
import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest

from eigenlab.cli import cluster as command
from eigenlab.cli import cluster_figure
from eigenlab.data import read_table
from eigenlab.errors import Cancelled
from eigenlab.graphs import FewerClustersWarning, SpectralClustering

GROUPS = [0] * 10 + [1] * 12 + [2] * 8
CENTRES = np.array([[0.0, 0.0], [10.0, 0.0], [0.0, 10.0]])
X = CENTRES[GROUPS] + np.random.default_rng(0).uniform(-1, 1, (30, 2))


def write(path, *, delimiter=",", header="x,y", values=X, encoding="utf-8"):
    rows = [delimiter.join(f"{value:.6f}" for value in row) for row in values]
    head = [header.replace(",", delimiter)] if header else []
    path.write_text("\n".join([*head, *rows]) + "\n", encoding=encoding)
    return path


def same_partition(labels):
    """Labels are those of the three groups, up to their order."""
    pairs = set(zip(labels, GROUPS, strict=True))
    return len(pairs) == len(set(labels)) == len(set(GROUPS))


def test_help_imports_nothing_heavy():
    script = (
        "import sys\nfrom eigenlab.cli import main\nstatus = main(['cluster', '--help'])\n"
        "print([n for n in ('torch', 'sklearn', 'numpy', 'plotly') if n in sys.modules], status)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[] 0"


@pytest.mark.parametrize("header", ["x,y", ""])
@pytest.mark.parametrize("delimiter", [",", ";", "\t", " "])
def test_the_output_is_the_input_with_a_column_of_labels(call, tmp_path, delimiter, header):
    path = write(tmp_path / "in.csv", delimiter=delimiter, header=header)
    assert call("cluster", path, "--k", "3", "--out", "out.csv").status == 0
    written = (tmp_path / "out.csv").read_text().splitlines()
    given = path.read_text().splitlines()
    if header:
        assert written.pop(0) == given.pop(0) + delimiter + "cluster"
    rows, labels = zip(*(line.rsplit(delimiter, 1) for line in written), strict=True)
    assert list(rows) == given
    assert same_partition(labels)


def test_auto_finds_the_groups_and_json_reports_the_spectrum(call, tmp_path):
    write(tmp_path / "in.csv")
    shown = call("cluster", "in.csv", "--k", "auto", "--out", "out.csv", "--json", "--gamma", "0.3")
    found = json.loads(shown.out)
    default = call("cluster", "in.csv", "--out", "out.csv", "--json", "--gamma", "0.3")
    assert json.loads(default.out)["chosen"] == found["chosen"]
    assert (found["n_clusters"], sorted(found["sizes"].values())) == (3, [8, 10, 12])
    assert (found["rows"], found["columns"], found["representation"]) == (30, ["x", "y"], "dense")
    assert found["gamma"] == 0.3
    assert found["residual"] < 1e-6
    assert 0 < found["gap"] < 1
    assert len(found["singular_values"]) == 3


def test_scale_is_one_over_the_total_variance_wherever_the_points_lie(call, tmp_path):
    write(tmp_path / "in.csv", values=X + np.array([0, 1000]))
    shown = call("cluster", "in.csv", "--k", "3", "--out", "out.csv", "--json")
    assert json.loads(shown.out)["gamma"] == pytest.approx(1 / X.var(axis=0).sum(), rel=1e-4)


def test_the_same_seed_gives_the_same_file(call, tmp_path):
    write(tmp_path / "in.csv")
    for name in ("a", "b"):
        assert call("cluster", "in.csv", "--k", "5", "--out", name, "--seed", "3").status == 0
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_the_summary_reports_sizes_and_representation(call, tmp_path):
    write(tmp_path / "in.csv")
    out = call("cluster", "in.csv", "--k", "3", "--out", "out.csv").out
    assert "30 rows, 2 columns (x, y)" in out
    assert "dense, gamma" in out
    assert sorted(re.findall(r"\d: (\d+)", out)) == ["10", "12", "8"]
    alone = call("cluster", "in.csv", "--k", "2", "--out", "out.csv", "--columns", "x").out
    assert "30 rows, 1 column (x)" in alone
    many = call("cluster", "in.csv", "--k", "26", "--out", "out.csv").out
    assert "23: 1, ... (2 more)" in many


def test_columns_are_selected_by_name_or_number_and_all_are_kept(call, tmp_path):
    rows = [f"p{i},{x:.4f},{y:.4f}" for i, (x, y) in enumerate(X)]
    (tmp_path / "in.csv").write_text("\n".join(["name,x,y", *rows]), encoding="utf-8-sig")
    text = (tmp_path / "in.csv").read_bytes()
    for columns in ("x,y", "2,3", "y, 2"):
        shown = call("cluster", "in.csv", "--k", "3", "--out", "out.csv", "--columns", columns)
        assert shown.status == 0
        assert (tmp_path / "out.csv").read_bytes()[:11] == text[:11]  # with its byte-order mark
        written = (tmp_path / "out.csv").read_text(encoding="utf-8-sig").splitlines()
        assert written[0] == "name,x,y,cluster"
        assert [line.rsplit(",", 1)[0] for line in written[1:]] == rows
        assert same_partition([line.rsplit(",", 1)[1] for line in written[1:]])


def test_standardize_scales_a_column_of_small_variance(call, tmp_path):
    noise = np.random.default_rng(1).uniform(-1, 1, 30) * 1e4
    write(tmp_path / "in.csv", values=np.stack([X[:, 0] + X[:, 1] * 2, noise], axis=1))
    words = ("cluster", "in.csv", "--k", "3", "--out", "out.csv")
    alone = call(*words)
    assert "note: the standard deviation of column 'y' is" in alone.err
    freed = call(*words, "--standardize", "--json")
    assert "note" not in freed.err
    # Columns of variance one: the total variance is 2.
    assert json.loads(freed.out)["gamma"] == pytest.approx(0.5)


def test_warnings_of_the_estimator_are_one_line_notes(call, tmp_path):
    write(tmp_path / "in.csv")
    words = ("--affinity", "nearest_neighbors", "--n-neighbors", "4", "--k", "2")
    shown = call("cluster", "in.csv", "--out", "out.csv", *words)
    assert shown.status == 0
    (note,) = [line for line in shown.err.splitlines() if line.startswith("note: ")]
    assert "connected components" in note
    assert "Warning" not in shown.err


def test_a_repeated_note_is_printed_once_and_other_warnings_are_reissued():
    def warn():
        with command._warnings_as_notes(notes):
            warnings.simplefilter("always")
            for text in ("few\nclusters", "few\nclusters"):
                warnings.warn(text, FewerClustersWarning, stacklevel=1)
            warnings.warn("other", RuntimeWarning, stacklevel=1)

    notes = []
    with pytest.warns(RuntimeWarning, match="other"):
        warn()
    assert notes == ["few clusters"]


@pytest.mark.parametrize(
    ("content", "words", "message"),
    [
        (
            "name,x\nAnn,1\nBob,2\n",
            ["--columns", "1,2"],
            "row 1 (line 2), column 'name': 'Ann' is not a number",
        ),
        ("1,a\n2,b\n", ["--columns", "1,2"], "column 2: 'a' is not a number; choose the numeric"),
        ("x,y\n1,2\n3,\n,4\n", [], "row 2 (line 3), column 'y': the value '' is missing; 1 more"),
        ("x,y\n1,2\n\n3,nan\n", [], "row 2 (line 4), column 'y': the value 'nan' is missing"),
        ("x\n1\n-inf\n", [], "row 2 (line 3), column 'x': the value '-inf' is not finite"),
        ("x;y\n1,5;2,5\n2,5;3\n", ["--decimal", "."], "not a number with a decimal point"),
        ("x,y\n1,2\n3,NA\n", ["--missing", "drop"], "1 row without missing values"),
        ("1,2\n3,4\n", ["--figure", "f.png"], "written as HTML; choose f.html"),
        ("1,2\n3,4\n", ["--out", "o.xlsx"], "choose a name such as o.csv"),
        ("x,y\n1,2\n1,2,3\n4,5\n", [], "line 3: 3 cells, but the first row has 2"),
        ("", [], "is empty"),
        ("\n \n", [], "is empty"),
        ("x,y\n", [], "a header but no rows"),
        ("x,y\n1,2\n", [], "1 row; expected at least 2"),
        ("1,2\n3,4\n", ["--k", "3"], "--k 3 exceeds the 2 rows"),
        ("1,2\n3,4\n", ["--k", "0"], "--k 0: expected auto or"),
        ("1,2\n3,4\n", ["--k", "two"], "--k two"),
        ("1,2\n3,4\n", ["--gamma", "wide"], "--gamma wide: expected a positive number"),
        ("1,2\n3,4\n", ["--gamma", "-1"], "--gamma -1"),
        ("1,2\n3,4\n", ["--affinity", "nearest_neighbors", "--gamma", "2"], "no Gaussian weights"),
        ("1,2\n3,4\n", ["--affinity", "rbfs"], "rbfs"),
        ("1,2\n3,4\n", ["--n-neighbors", "1"], "--n-neighbors 1"),
        ("1,2\n3,4\n", ["--seed", "-1"], "--seed -1"),
        ("1,2\n3,4\n", ["--columns", "3"], "columns 1 to 2 and no header"),
        ("age,b\n3,4\n", ["--columns", "aeg"], "did you mean 'age'?"),
        ("a,a\n3,4\n", ["--columns", "a"], "columns 1, 2 have this name"),
        ("a,b\n3,4\n", ["--columns", "a,1"], "given twice"),
        ("a,b\n3,4\n", ["--columns", ","], "--columns is empty"),
        ("x,cluster\n3,4\n5,6\n", [], "already has a column 'cluster'"),
        ("1e300,2\n-1e300,4\n", [], "column 1 has numbers too large"),
        ("1,2\n3,4\n", ["--out", "in.csv"], "--out in.csv is the same file as FILE"),
        ("1,2\n3,4\n", ["--figure", "./out.csv"], "--figure out.csv is the same file as --out"),
        ("1,2\n3,4\n", ["--out", "."], "--out . is a folder"),
    ],
)
def test_an_error_is_one_line_and_writes_no_file(call, tmp_path, content, words, message):
    path = tmp_path / "in.csv"
    path.write_text(content)
    defaults = {"--k": "2", "--out": "out.csv"}
    given = [word for pair in defaults.items() if pair[0] not in words for word in pair]
    status, out, err = call("cluster", "in.csv", *given, *words)
    assert (status, out) == (2, "")
    assert err.startswith("eigenlab: ")
    assert err.count("\n") == 1
    assert message in err
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_text() == content


def test_standard_input_is_read_and_what_was_understood_is_said(call, tmp_path, monkeypatch):
    content = write(tmp_path / "in.csv").read_bytes()
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(content)))
    shown = call("cluster", "-", "--k", "3", "--out", "out.csv")
    assert shown.status == 0
    assert "30 rows of 2 columns, separated by commas, header in line 1" in shown.out
    assert "used: x, y" in shown.out
    written = (tmp_path / "out.csv").read_text().splitlines()
    assert [line.rsplit(",", 1)[0] for line in written] == content.decode().splitlines()


def test_rows_with_missing_values_are_kept_without_a_label(call, tmp_path):
    path = write(tmp_path / "in.csv")
    lines = path.read_text().splitlines()
    path.write_text("\n".join([*lines[:5], "NA,1", *lines[5:]]))
    words = ("cluster", "in.csv", "--k", "3", "--out", "out.csv.gz")
    refused = call(*words)
    assert (refused.status, "--missing drop" in refused.err) == (2, True)
    shown = call(*words, "--missing", "drop", "--figure", "f.html")
    assert shown.status == 0
    assert "note: 1 row with missing values is not clustered" in shown.err
    written = gzip.decompress((tmp_path / "out.csv.gz").read_bytes()).decode().splitlines()
    assert written[5] == "NA,1,"
    assert same_partition([line.rsplit(",", 1)[1] for line in written[1:5] + written[6:]])


def test_what_decides_is_an_option(call, tmp_path):
    (tmp_path / "in.csv").write_text("x;y\n1,234;5,678\n2,345;6,789\n")
    words = ("cluster", "in.csv", "--k", "2", "--out", "out.csv", "--json", "--standardize")
    assert "--decimal" in call(*words).err
    found = json.loads(call(*words, "--decimal", ",", "--delimiter", ";").out)
    assert "decimal comma" in found["understood"]


def test_a_pipe_is_refused_before_the_work(call, tmp_path):
    path, pipe = write(tmp_path / "in.csv"), tmp_path / "pipe"
    os.mkfifo(pipe)
    status, _, err = call("cluster", "in.csv", "--k", "2", "--out", "pipe")
    assert (status, err.count("\n")) == (2, 1)
    assert "--out pipe is a folder, pipe or device" in err
    assert pipe.is_fifo()
    assert sorted(tmp_path.iterdir()) == [path, pipe]


def test_files_that_cannot_be_read(call, tmp_path):
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    for name, message in [
        ("absent.csv", "No such file"),
        (".", "Is a directory"),
        ("binary.csv", "not text"),
    ]:
        status, _, err = call("cluster", name, "--k", "2", "--out", "out.csv")
        assert (status, err.count("\n")) == (2, 1)
        assert message in err


@pytest.mark.parametrize("stop", [KeyboardInterrupt, Cancelled])
def test_ctrl_c_leaves_no_file(call, tmp_path, monkeypatch, stop):
    def interrupted(*_args, **_options):
        raise stop

    path = write(tmp_path / "in.csv")
    monkeypatch.setattr(SpectralClustering, "fit", interrupted)
    shown = call("cluster", "in.csv", "--k", "2", "--out", "out.csv", "--figure", "out.html")
    assert shown.status == 130
    assert list(tmp_path.iterdir()) == [path]


def test_equal_points_and_two_rows_are_clustered(call, tmp_path):
    (tmp_path / "in.csv").write_text("1,2\n1,2\n1,2\n")
    assert call("cluster", "in.csv", "--k", "auto", "--out", "out.csv").status == 0
    (tmp_path / "in.csv").write_text("1\n9\n")
    assert call("cluster", "in.csv", "--k", "2", "--out", "out.csv").status == 0
    assert sorted((tmp_path / "out.csv").read_text().split()) in (["1,0", "9,1"], ["1,1", "9,0"])


def test_a_header_can_be_declared(tmp_path):
    (tmp_path / "in.csv").write_text("7,2021\n1,2\n")
    assert read_table(tmp_path / "in.csv").names is None
    assert read_table(tmp_path / "in.csv", header=True).names == ("7", "2021")


def test_the_figure_is_a_self_contained_page(call, tmp_path):
    write(tmp_path / "in.csv", header="<b>,y")
    shown = call("cluster", "in.csv", "--k", "3", "--out", "out.csv", "--figure", "out.html")
    assert shown.status == 0
    page = (tmp_path / "out.html").read_text()
    assert re.search(r"<(script|link|img)[^>]*(src|href)=", page) is None
    assert "<title>in.csv: 3 clusters of 30 rows</title>" in page


def record(axes, n=4):
    points = [[float(10 * i + j) for j in range(axes)] for i in range(n)]
    return {
        "title": "four",
        "remarks": ["a & b"],
        "axes": [f"a{i}" for i in range(axes)],
        "points": points,
        "rows": list(range(1, n + 1)),
        "labels": [0, 2, 0, 2],
        "sizes": {"0": 2, "2": 2},
    }


def test_the_figure_has_a_panel_for_each_pair_of_axes():
    chart = cluster_figure.draw(record(3))
    assert len(chart.data) == 3 * 2
    titles = [
        (chart.layout[f"xaxis{i}"].title.text, chart.layout[f"yaxis{i}"].title.text)
        for i in ("", "2", "3")
    ]
    assert titles == [("a0", "a1"), ("a0", "a2"), ("a1", "a2")]
    last = chart.data[-1]
    assert (list(last.x), list(last.y), last.name) == ([11.0, 31.0], [12.0, 32.0], "cluster 2 (2)")
    assert sum(trace.showlegend for trace in chart.data) == 2
    assert chart.data[0].marker.symbol != chart.data[1].marker.symbol


def test_one_column_is_drawn_against_the_row():
    chart = cluster_figure.draw(record(1))
    assert chart.layout.xaxis.title.text == "row"
    assert list(chart.data[1].x) == [2, 4]


def test_many_points_are_sampled_and_many_columns_embedded(call, tmp_path, monkeypatch):
    monkeypatch.setattr(command, "MAX_POINTS", 20)
    write(tmp_path / "in.csv", header="", values=np.hstack([X, X]))
    drawn = []
    monkeypatch.setattr(command, "draw", lambda r: (drawn.append(r), cluster_figure.draw(r))[1])
    assert call("cluster", "in.csv", "--k", "3", "--out", "o", "--figure", "f").status == 0
    (found,) = drawn
    assert found["axes"] == ["vector 1", "vector 2", "vector 3"]
    assert len(found["points"]) == len(found["labels"]) == len(set(found["rows"])) == 20
    assert "a random sample of 20 of 30 points" in cluster_figure.draw(found).layout.title.text
    assert sum(found["sizes"].values()) == 30
