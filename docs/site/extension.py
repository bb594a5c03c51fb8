"""Formulas as MathML, pages of source code, and plotly.js where a page has a figure."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import json
import re
import sys
from pathlib import Path
from typing import Any

from docutils import nodes
from plotly.offline import get_plotlyjs
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_for_filename
from pygments.lexers.special import TextLexer
from pygments.util import ClassNotFound
from sphinx.pycode import ModuleAnalyzer
from sphinx.util import logging

from eigenlab.files import write_atomic
from eigenlab.plots import DARK, LIGHT
from eigenlab.report.mathematics import render_formula

ROOT = Path(__file__).resolve().parents[2]
LOGGER = logging.getLogger(__name__)
#: Files whose source the documented names link to.
documented: set[str] = set()


def inline_formula(translator: Any, node: nodes.math) -> None:
    """Write ``$...$``."""
    translator.body.append(formula(node))
    raise nodes.SkipNode


def display_formula(translator: Any, node: nodes.math_block) -> None:
    """Write a formula in a line of its own."""
    translator.body.append(f'<div class="formula">{formula(node, display=True)}</div>')
    raise nodes.SkipNode


def formula(node: nodes.Element, *, display: bool = False) -> str:
    """Return the MathML of a node; warn where latex2mathml leaves LaTeX in it."""
    latex = re.sub(r"\\(begin|end)\{aligned\}", r"\\\1{align*}", node.astext())
    found = render_formula(latex, display=display)
    if "\\" in found or ("&amp;" in found and r"\&" not in latex):
        LOGGER.warning("latex2mathml cannot convert %r", node.astext(), location=node)
    return found


def linkcode_resolve(domain: str, info: dict[str, str]) -> str | None:
    """Return the page of source that defines a name, as Sphinx's ``linkcode`` asks for it."""
    thing: Any = importlib.import_module(info["module"])
    for part in filter(None, info["fullname"].split(".")):
        thing = getattr(thing, part, None)
    thing = getattr(thing, "fget", thing)
    if inspect.ismodule(thing):
        path = Path(thing.__file__ or "").relative_to(ROOT).as_posix()
        documented.add(path)
        return f"../source/{path}.html"
    try:
        file = Path(inspect.getsourcefile(inspect.unwrap(thing)) or "").resolve()
        line = inspect.getsourcelines(inspect.unwrap(thing))[1]
    except (TypeError, OSError):
        return None  # a constant or a field
    if not file.is_relative_to(ROOT):
        return None
    path = file.relative_to(ROOT).as_posix()
    documented.add(path)
    return f"../source/{path}.html#line-{line}"


def source_pages(app: Any) -> Any:
    """Yield a page for each file that a name of the reference or a link in a page leads to."""
    formatter = HtmlFormatter(linenos="inline", lineanchors="line", wrapcode=True)
    for path in sorted(documented | set(app.config.source_files)):
        try:
            lexer = get_lexer_for_filename(path)
        except ClassNotFound:
            lexer = TextLexer()
        code = highlight((ROOT / path).read_text(encoding="utf-8"), lexer, formatter)
        yield f"source/{path}", {"title": path, "body": f"<h1>{path}</h1>{code}"}, "page.html"


def add_plotly(app: Any, page: str, template: str, context: dict[str, Any], doctree: Any) -> None:
    """Load the one copy of plotly.js on pages with figures only."""
    if 'class="plot' in context.get("body", ""):
        app.add_js_file("plotly.min.js")
        app.add_js_file("figures.js")


def write_plotly(app: Any, problem: Exception | None) -> None:
    """Write plotly.js, as the installed package has it, with the themes of eigenlab's figures."""
    if problem is None:
        themes = json.dumps({"light": LIGHT, "dark": DARK})
        script = f"{get_plotlyjs()}\nconst themes = {themes};\n"
        write_atomic(Path(app.outdir) / "_static" / "plotly.min.js", script)


def resolve_name(app: Any, env: Any, node: Any, content: nodes.Element) -> Any:
    """Lead from the module that defines a name to the package that exports it, or to its source.

    A name that a docstring refers to must exist. A type in a signature may be an alias that is not
    documented. Names of other libraries are not linked, because the site is read offline.
    """
    if node.get("refdomain") != "py":
        return None
    place = place_of(node["reftarget"], node.get("py:module") or "eigenlab")
    if place is None:
        is_of_docstring = "refwarn" in node  # set by roles, not by annotations
        return None if is_of_docstring else content
    module, name = place
    if not module.startswith("eigenlab"):
        return content
    domain = env.get_domain("py")
    public = f"{'.'.join(module.split('.')[:2])}.{name}"
    if public in domain.objects:
        arguments = (node["reftype"], public, node, content)
        return domain.resolve_xref(env, node["refdoc"], app.builder, *arguments)
    page = linkcode_resolve("py", {"module": module, "fullname": name})
    return nodes.reference("", "", content, refuri=page, internal=True) if page else content


def place_of(target: str, package: str) -> tuple[str, str] | None:
    """Find the module and the name in it that ``target`` means in a docstring of ``package``.

    A docstring may use the names of its module, which are not those of the package.
    """
    names = target.split(".")
    if names[0] == "eigenlab":
        for start in range(len(names), 0, -1):
            with contextlib.suppress(ImportError):
                return defined(importlib.import_module(".".join(names[:start])), names[start:])
    for module in modules_of(package):
        place = defined(sys.modules[module], names)
        if place:
            return place
    is_of_other_library = len(names) > 1 and names[0] in sys.modules
    return (target, "") if is_of_other_library else None


def defined(module: Any, names: list[str]) -> tuple[str, str] | None:
    """Find the module that defines ``names``, an attribute of ``module`` or of its attributes."""
    thing = module
    for name in names:
        if not hasattr(thing, name):
            return None
        thing = getattr(thing, name)
    if inspect.ismodule(thing):
        return thing.__name__, ""
    return getattr(thing, "__module__", module.__name__), getattr(
        thing, "__qualname__", ".".join(names)
    )


def modules_of(package: str) -> list[str]:
    """The loaded modules of a package."""
    return sorted(name for name in sys.modules if f"{name}.".startswith(f"{package}."))


def prepare_docstring(
    app: Any, what: str, name: str, thing: Any, options: Any, lines: list[str]
) -> None:
    """Keep the bars of norms, as in |dL/dh_t|, and take the comment of a constant.

    reStructuredText reads words between bars as a substitution, which the docstrings do not use.
    """
    if what == "data":
        lines[:] = constant_comment(name)
    # Napoleon takes what precedes a colon for the type of an attribute; here it is a sentence.
    kinds = [line for line in lines if line.startswith(":type: ")]
    if what in {"attribute", "property"} and kinds:
        lines.remove(kinds[0])
        lines[0] = f"{kinds[0].removeprefix(':type: ')}: {lines[0]}"
    parts = re.split(r"(``.*?``|^ *>>> .*?(?:^ *$|\Z))", "\n".join(lines), flags=re.M | re.S)
    parts[::2] = [part.replace("|", r"\|") for part in parts[::2]]
    lines[:] = "".join(parts).split("\n")


def constant_comment(name: str) -> list[str]:
    """Return the ``#:`` comment of a constant, from the module that its package takes it from."""
    package, _, constant = name.rpartition(".")
    for module in modules_of(package):
        found = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", constant))
        if found:
            return list(found)
    return []


def setup(app: Any) -> dict[str, bool]:
    """Register everything."""
    app.add_html_math_renderer("mathml", (inline_formula, None), (display_formula, None))
    app.add_config_value("source_files", [], "html", types=[list])
    app.config.linkcode_resolve = linkcode_resolve
    app.connect("html-collect-pages", source_pages)
    app.connect("html-page-context", add_plotly)
    app.connect("build-finished", write_plotly)
    app.connect("missing-reference", resolve_name)
    app.connect("autodoc-process-docstring", prepare_docstring)
    return {"parallel_read_safe": False}
