"""Which students' definitions resemble each other: a hint where to look, and no proof.

A definition is parsed, freed of comments, texts of documentation and annotations, and its own names
become one placeholder; what remains is cut into runs of :data:`LENGTH` tokens. Two submissions are
compared by the Jaccard index of their sets of runs, without those of the notebook that students
were given and those that more than half of a class of ten or more have.
"""

from __future__ import annotations

import ast
import io
import tokenize
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from scipy import sparse

#: Tokens of a run.
LENGTH = 8
#: Runs that a submission needs for a comparison; a few short functions look alike by themselves.
FEWEST = 40
#: From this number of submissions on, what more than half of them have is left out.
MANY = 10


class Pair(NamedTuple):
    """Two submissions, by index, and the Jaccard index of what they share, from 0 to 1."""

    first: int
    second: int
    jaccard: float


class Comparison(NamedTuple):
    """The most similar pairs, the median over all pairs, and how many were compared."""

    pairs: Sequence[Pair]
    median: float
    compared: int


def runs(source: str) -> set[tuple[str, ...]]:
    """Runs of tokens of source code in normal form; none if it is no Python.

    >>> a = "def total(x):\\n    s = 0\\n    for v in x: s += v\\n    return s"
    >>> b = "def f(y: list):\\n    t = 0  # sum\\n    for m in y:\\n        t += m\\n    return t"
    >>> runs(a) == runs(b) != set()
    True
    """
    try:
        statements = ast.parse(source).body
        return set().union(*map(_runs, statements))
    except (SyntaxError, ValueError, RecursionError, MemoryError, tokenize.TokenError):
        return set()


def _runs(statement: ast.stmt) -> set[tuple[str, ...]]:
    """Those of one statement, whatever stands beside it."""
    normal = _Normal(statement).visit(statement)
    if normal is None:
        return set()
    text = ast.unparse(ast.fix_missing_locations(normal))
    tokens = [t.string.strip() for t in tokenize.generate_tokens(io.StringIO(text).readline)]
    words = list(filter(None, tokens))
    return {tuple(words[i : i + LENGTH]) for i in range(len(words) - LENGTH + 1)}


class _Normal(ast.NodeTransformer):
    """Code without what does not count; names that it binds itself become one placeholder."""

    def __init__(self, tree: ast.AST) -> None:
        nodes = list(ast.walk(tree))
        bound = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
        self.own = bound | {n.arg for n in nodes if isinstance(n, ast.arg)}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        """A local name."""
        return ast.Name("_", node.ctx) if node.id in self.own else node

    def visit_arg(self, node: ast.arg) -> ast.AST:
        """A parameter."""
        return ast.arg("_")

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        """Attributes of ``self`` have names of the student's choice."""
        if isinstance(node.value, ast.Name) and node.value.id == "self":
            return ast.Attribute(ast.Name("self", ast.Load()), "_", node.ctx)
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        """``x: int = 3`` is ``x = 3``."""
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        """A function without annotations."""
        node.returns = None
        node.name = node.name if node.name.startswith("__") else "_"
        return self._block(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """A class."""
        return self._block(node)

    def _block(self, node: ast.FunctionDef | ast.ClassDef) -> ast.AST:
        node.body = [s for s in node.body if not _is_text(s)] or [ast.Pass()]
        return self.generic_visit(node)


def _is_text(statement: ast.stmt) -> bool:
    return isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)


def compare(
    submissions: Sequence[Mapping[str, str]], given: Iterable[str] = (), *, most: int = 30
) -> Comparison:
    """Compare each submission with each other one.

    Args:
        submissions: name -> definition, for each submission.
        given: source code that all students were given.
        most: number of pairs to return. Default: ``30``.

    Returns:
        the pairs with the largest indices; submissions with little code of their own are in none.
    """
    found = [set().union(*map(runs, code.values())) for code in submissions]
    common = set().union(*map(runs, given))
    if len(found) >= MANY:
        count = Counter(run for one in found for run in one)
        common |= {run for run, n in count.items() if n > len(found) / 2}
    own = [one - common for one in found]
    kept = [i for i, one in enumerate(own) if len(one) >= FEWEST]
    if len(kept) < 2:
        return Comparison([], 0.0, len(kept))
    sizes = np.array([len(own[i]) for i in kept])
    table = _table([own[i] for i in kept])
    shared = (table @ table.T).toarray()
    first, second = np.triu_indices(len(kept), 1)
    both = shared[first, second]
    index = both / (sizes[first] + sizes[second] - both)
    order = np.argsort(-index, kind="stable")[:most]
    pairs = [Pair(kept[first[k]], kept[second[k]], float(index[k])) for k in order]
    return Comparison(pairs, float(np.median(index)), len(kept))


def _table(sets: Sequence[set[tuple[str, ...]]]) -> sparse.csr_matrix:
    """A row for each set, a column for each run, ones where the set has it."""
    number: dict[tuple[str, ...], int] = {}
    columns = [[number.setdefault(run, len(number)) for run in sorted(one)] for one in sets]
    ends = np.cumsum([0, *map(len, columns)])
    ones = np.ones(ends[-1], dtype=np.float32)
    return sparse.csr_matrix((ones, np.concatenate(columns), ends), (len(sets), len(number)))
