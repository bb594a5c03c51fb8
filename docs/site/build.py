"""Build the documentation site: ``python docs/site/build.py`` writes ``build/docs/index.html``.

Sphinx reads one folder, ``build/docs-source``. It holds copies of the Markdown pages, whose links
to source files become links to pages of source; a page for each public package, for each example,
which is run, and for the command line; and the notebooks of the course with their solutions, which
are run, too.
"""

from __future__ import annotations

import json
import os
import pkgutil
import re
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import eigenlab
from eigenlab.course import build_course
from eigenlab.files import write_atomic
from eigenlab.report import findings_page, questions_page
from examples import NAMES, Example, figure_html, read, run

SITE = Path(__file__).resolve().parent
DOCS, ROOT = SITE.parent, SITE.parents[1]
SOURCE, OUT = ROOT / "build/docs-source", ROOT / "build/docs"
NOTEBOOKS = ROOT / "build/course/solutions"

#: Pages outside docs/, and their names on the site.
MORE_PAGES = {
    "CONTRIBUTING.md": "contributing.md",
    "CHANGELOG.md": "changelog.md",
    "benchmarks/README.md": "benchmarks.md",
}
#: Links to these lead to pages that are written here.
OTHER_PAGES = {
    "README.md": "index.md",
    "docs/examples/README.md": "examples/index.md",
    **{f"docs/examples/{name}.py": f"examples/{name}.md" for name in NAMES},
}
#: The navigation, which would be noise on the first page as it is read in the repository.
CONTENTS = """
```{toctree}
:hidden:
:caption: Start

examples/index
traces
tables
```

```{toctree}
:hidden:
:caption: Guides

gradients
surnames
autoencoders
linear
vision
clustering
translation
eigenpairs
studio
```

```{toctree}
:hidden:
:caption: The course

questions
findings
course
notebooks/index
glossary
check
grade
security
```

```{toctree}
:hidden:
:caption: Reference

reference/index
architecture
benchmarks
contributing
changelog
```
"""
#: Version 4.5 of the format of notebooks names every cell.
FIRST_WITH_IDS = 5
#: Longer values of constants are not shown.
LONGEST_VALUE = 200
LINK = re.compile(r"(?<!!)\[([^\]]*)\]\(([^)\s:]+)\)")
FENCE = re.compile(r"(^```.*?^```)", re.M | re.S)


def write_generated_pages() -> None:
    """Write the pages of ``docs/`` that are made from the claims."""
    write_atomic(DOCS / "findings.md", findings_page())
    write_atomic(DOCS / "questions.md", questions_page())


class Links:
    """Translates relative links of the repository into links of the site.

    Attributes:
        sources: files that a link leads to and that are no pages; each gets a page of source.
    """

    def __init__(self) -> None:
        self.sources: set[str] = set()
        self.pages = {path.relative_to(ROOT).as_posix(): path.name for path in DOCS.glob("*.md")}
        self.pages |= MORE_PAGES

    def rewrite(self, text: str, file: str) -> str:
        """Return the text of the page ``file`` with its links translated; code stays as it is."""

        def replace(match: re.Match[str]) -> str:
            words, (place, _, fragment) = match[1], match[2].partition("#")
            if not place:
                return match[0]
            target = os.path.relpath((ROOT / file).parent / place, ROOT).replace(os.sep, "/")
            page = self.pages.get(target) or OTHER_PAGES.get(target)
            if page:
                return f"[{words}]({page}{'#' + fragment if fragment else ''})"
            if not (ROOT / target).is_file():
                raise SystemExit(f"{file}: the link to {match[2]} leads nowhere")
            self.sources.add(target)
            words = re.sub("`([^`]+)`", r"<code>\1</code>", words)
            return f'<a href="source/{target}.html">{words}</a>'

        parts = FENCE.split(text)
        parts[::2] = [LINK.sub(replace, part) for part in parts[::2]]
        return "".join(parts)


def copy_pages() -> set[str]:
    """Copy the Markdown pages; return the files of source that they link to."""
    links = Links()
    for file, name in links.pages.items():
        text = links.rewrite((ROOT / file).read_text(encoding="utf-8"), file)
        if name == "index.md":
            text += CONTENTS
        write_atomic(SOURCE / name, text)
    shutil.copytree(DOCS / "images", SOURCE / "images", ignore=shutil.ignore_patterns("*.py"))
    return links.sources


def public_modules() -> list[str]:
    """The modules of eigenlab that its users import."""
    modules = [module.name for module in pkgutil.iter_modules(eigenlab.__path__)]
    return [name for name in modules if name not in {"__main__", "cli", "files"}]


def write_reference() -> None:
    """Write a page for each public module, with all names of its ``__all__``."""
    names = public_modules()
    for name in names:
        write_atomic(SOURCE / f"reference/{name}.rst", reference_page(f"eigenlab.{name}"))
    rows = "".join(f"   {name}\n" for name in names)
    summary = "".join(f"   eigenlab.{name}\n" for name in names)
    write_atomic(
        SOURCE / "reference/index.rst",
        f"Reference\n=========\n\nEvery public name, as its docstring describes it.\n\n"
        f".. autosummary::\n   :nosignatures:\n\n{summary}\n"
        f".. toctree::\n   :hidden:\n\n{rows}   commands\n",
    )


def reference_page(package: str) -> str:
    """Return the page of one package: its docstring, a table of its names, and each of them."""
    module = import_module(package)
    listed = getattr(module, "__all__", None)
    names = listed or [
        name
        for name, thing in vars(module).items()
        if getattr(thing, "__module__", None) == package and not name.startswith("_")
    ]
    parts = [package, "=" * len(package), "", f".. automodule:: {package}", "   :no-members:", ""]
    parts += [".. autosummary::", "   :nosignatures:", "", *(f"   {name}" for name in names), ""]
    for name in names:
        thing = getattr(module, name)
        parts += [name, "-" * len(name), "", f".. auto{kind(thing)}:: {package}.{name}"]
        if kind(thing) == "data" and len(repr(thing)) > LONGEST_VALUE:
            parts += ["   :no-value:"]
        parts += ["   :members:"] if kind(thing) in {"class", "exception", "module"} else []
        parts += [""]
    return "\n".join(parts)


def kind(thing: Any) -> str:
    """Which of autodoc's directives documents ``thing``."""
    if isinstance(thing, type):
        return "exception" if issubclass(thing, Exception) else "class"
    if hasattr(thing, "__path__") or type(thing).__name__ == "module":
        return "module"
    return "function" if callable(thing) and hasattr(thing, "__code__") else "data"


def write_commands() -> None:
    """Write the page of the command line from its own help."""
    from eigenlab.cli.app import build

    page = build().generate_docs(output_format="markdown")
    page = page.replace("# eigenlab\n", "# Command line\n", 1)
    write_atomic(SOURCE / "reference/commands.md", page)


def write_gallery() -> None:
    """Run the examples; write a page for each, and one with a picture of all."""
    cards = []
    for example in map(read, NAMES):
        printed, figures = run(example.name)
        page = example_page(example, printed, figures)
        write_atomic(SOURCE / f"examples/{example.name}.md", page)
        preview = figure_html(figures[0], "plot preview")
        cards.append(f'<a href="{example.name}.html">{preview}<span>{example.title}</span></a>')
    heading, _, _ = (DOCS / "examples/README.md").read_text(encoding="utf-8").partition("\n- ")
    grid = "\n".join(['<div class="gallery">', *cards, "</div>"])
    names = "\n".join(NAMES)
    toctree = f"```{{toctree}}\n:hidden:\n\n{names}\n```"
    write_atomic(SOURCE / "examples/index.md", f"{heading}\n\n{grid}\n\n{toctree}\n")


def example_page(example: Example, printed: str, figures: list[Any]) -> str:
    """Return the page of an example: text, code, printed output and figures."""
    parts = [f"# {example.title}\n", example.text, f"\n```python\n{example.code}```\n"]
    if printed:
        parts.append(f"It prints:\n\n```text\n{printed.rstrip()}\n```\n")
    parts += [figure_html(figure) + "\n" for figure in figures]
    parts.append(f"This is `docs/examples/{example.name}.py`.\n")
    return "\n".join(parts)


def copy_notebooks() -> None:
    """Copy the solved notebooks, if there are any, with their outputs."""
    files = sorted(NOTEBOOKS.glob("*.ipynb"))
    for file in files:
        notebook = shareable(json.loads(file.read_text(encoding="utf-8")))
        texts = [text_of(cell) for cell in notebook["cells"] if cell["cell_type"] == "markdown"]
        if not any(re.search(r"^#+ ", text, re.M) for text in texts):
            title = {"cell_type": "markdown", "source": f"# {file.stem}", "metadata": {}}
            title |= {"id": "title"} if notebook["nbformat_minor"] >= FIRST_WITH_IDS else {}
            notebook["cells"].insert(0, title)
        write_atomic(SOURCE / "notebooks" / file.name, json.dumps(notebook))
    for file in NOTEBOOKS.glob("*.*"):
        if file.suffix in {".png", ".jpg", ".svg"}:
            shutil.copy(file, SOURCE / "notebooks")
    text = "The notebooks of the course with their solutions, as they were run."
    if not files:
        text = "This copy of the site was built without the solved notebooks of the course."
    toctree = "\n".join(["```{toctree}", *(file.stem for file in files), "```"])
    write_atomic(SOURCE / "notebooks/index.md", f"# Notebooks\n\n{text}\n\n{toctree}\n")


def shareable(notebook: dict[str, Any]) -> dict[str, Any]:
    """Let figures use the plotly.js of the site, and keep only links to other notebooks."""

    def keep(match: re.Match[str]) -> str:
        return (
            match[0]
            if (NOTEBOOKS / match[2]).is_file() and match[2].endswith(".ipynb")
            else match[1]
        )

    for cell in notebook["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = LINK.sub(keep, text_of(cell))
        for output in cell.get("outputs", ()):
            figure = output.get("data", {}).get("application/vnd.plotly.v1+json")
            if figure is not None:
                kept = {"data": figure["data"], "layout": figure["layout"]}
                output["data"] = {"text/html": figure_html(json.dumps(kept))}
    return notebook


def text_of(cell: dict[str, Any]) -> str:
    """The source of a cell, which notebooks store as a text or as its lines."""
    return "".join(cell["source"])


def main() -> int:
    """Build the site; warnings are errors."""
    from sphinx.application import Sphinx
    from sphinx.util.docutils import docutils_namespace, patch_docutils

    write_generated_pages()
    shutil.rmtree(SOURCE, ignore_errors=True)
    shutil.rmtree(OUT, ignore_errors=True)
    sources = copy_pages()
    write_reference()
    write_commands()
    write_gallery()
    build_course(NOTEBOOKS.parent, overwrite=True, execute=True)
    copy_notebooks()
    with patch_docutils(str(SITE)), docutils_namespace():
        app = Sphinx(
            SOURCE,
            SITE,
            OUT,
            ROOT / "build/docs-doctrees",
            "html",
            confoverrides={"source_files": sorted(sources)},
            freshenv=True,
            warningiserror=True,
            exception_on_warning=False,
            status=None,
        )
        app.build(force_all=True)
    if not app.statuscode:
        print(OUT / "index.html")
    return app.statuscode


if __name__ == "__main__":
    sys.exit(main())
