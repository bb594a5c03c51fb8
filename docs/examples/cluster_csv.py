"""Cluster a CSV file.

`read_table` finds out how a table is written: delimiter, decimal mark, header, columns that are
no numbers. `n_clusters="auto"` chooses the number of clusters. The same from the command line:
`eigenlab cluster points.csv --k auto --out labels.csv`.
"""

from pathlib import Path

from eigenlab.data import read_table
from eigenlab.graphs import SpectralClustering, two_moons
from eigenlab.plots import new_chart, points

# A file as a spreadsheet in Germany exports it.
X, _ = two_moons(300, random_state=0)
rows = [f"{n};{x:.3f};{y:.3f}".replace(".", ",") for n, (x, y) in enumerate(X, start=1)]
Path("points.csv").write_text("\n".join(["id;length;width", *rows]), encoding="utf-8")

table = read_table("points.csv")
print(table.understood())
numbers = table.numbers()
labels = SpectralClustering(n_clusters="auto", random_state=0).fit_predict(numbers)
print(f"{labels.max() + 1} clusters")

chart = new_chart("length", "width")
for cluster in range(labels.max() + 1):
    chosen = numbers[labels == cluster]
    points(chart, chosen[:, 0], chosen[:, 1], f"cluster {cluster}", size=6)
chart.show()
