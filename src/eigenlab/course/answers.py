"""Which written questions of a notebook have an answer, whatever its author did to the cells."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import SequenceMatcher
from typing import Any

from eigenlab.course.process import is_placeholder

QUESTION = re.compile(r"^[#*_>\s]*(\d+[a-z]['’]?)[.):]", re.M)


def find_answers(built: Sequence[Any], given: Sequence[Any]) -> dict[str, str]:
    """Question -> the answer written below it, empty where there is none.

    Cells are recognised by their identifier or else, as some editors change these, by their text.
    The answer may stand in the cell that was there for it, in new cells beside it, or be added to
    the question.

    Args:
        built: cells of the notebook as students get it.
        given: cells of a student's notebook.
    """
    places = _places(built, given)
    answers: dict[str, str] = {}
    for index, cell in enumerate(built):
        if not cell.metadata.get("eigenlab", {}).get("answer"):
            continue
        question = _question(built, index)
        label = question or f"written answer {len(answers) + 1}"
        found = _written(built, given, index, places)
        earlier = answers.get(label, "")
        answers[label] = f"{earlier}\n\n{found}".strip()
    return answers


def _question(built: Sequence[Any], index: int) -> str:
    """The question that a cell is for: the last one that begins in it or above it."""
    for cell in reversed(built[: index + 1]):
        labels = QUESTION.findall(cell.source) if cell.cell_type == "markdown" else []
        if labels:
            return str(labels[-1]).replace("’", "'")
    return ""


def _places(built: Sequence[Any], given: Sequence[Any]) -> dict[int, int]:
    """Index of each cell of ``built`` that is still there -> its index in ``given``."""
    by_id = {
        cell.get("id"): index for index, cell in enumerate(given) if isinstance(cell.get("id"), str)
    }
    places = {
        index: by_id[cell.id]
        for index, cell in enumerate(built)
        if cell.id in by_id and given[by_id[cell.id]].cell_type == cell.cell_type
    }
    taken = set(places.values())
    ours, theirs = (
        [f"{cell.cell_type} {' '.join(cell.source.split())}" for cell in cells]
        for cells in (built, given)
    )
    for block in SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks():
        for step in range(block.size):
            if block.a + step not in places and block.b + step not in taken:
                places[block.a + step] = block.b + step
    return places


def _written(built: Sequence[Any], given: Sequence[Any], index: int, places: dict[int, int]) -> str:
    start = max([places[i] + 1 for i in range(index) if i in places], default=0)
    end = min([places[i] for i in range(index + 1, len(built)) if i in places], default=len(given))
    region = [given[i] for i in range(start, end) if i not in places.values()]
    if index in places:
        region.append(given[places[index]])
    texts = [
        _beyond(cell.source, built[index].source) for cell in region if cell.cell_type != "code"
    ]
    if index and index - 1 in places:
        question, now = built[index - 1].source, given[places[index - 1]].source
        if question in now:
            texts.insert(0, now.replace(question, "", 1))
    return "\n\n".join(text.strip() for text in texts if not is_placeholder(text))


def _beyond(text: str, placeholder: str) -> str:
    """The lines of a cell that were not there before."""
    lines = {line.strip() for line in placeholder.splitlines()}
    return "\n".join(line for line in text.splitlines() if line.strip() not in lines)
