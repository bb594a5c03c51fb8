"""What students see of a master, and which masters are refused."""

from __future__ import annotations

import json

import nbformat
import pytest

from eigenlab.course import build_course, build_notebooks, masters
from eigenlab.errors import InputError


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_students_get_an_error_with_the_name_in_the_place_of_a_solution(master):
    student, _ = build_notebooks(master())
    code = student.cells[1].source
    assert code.endswith(
        '    """Twice x."""\n    # TODO: multiply.\n    raise NotImplementedError("double")'
    )
    assert student.cells[2].source == "..."
    scope = {}
    exec(code.partition("\n\n\n")[2], scope)
    with pytest.raises(NotImplementedError, match="double"):
        scope["double"](1)


def test_solutions_stand_in_the_other_notebook_without_markers(master):
    _, solution = build_notebooks(master())
    text = "\n".join(sources(solution))
    assert "    y = x * 2\n\n    return y" in text
    assert "scale = 2" in sources(solution)
    assert "SOLUTION" not in text
    assert "TODO: multiply" in text


def test_tagged_cells_are_in_one_notebook_only(master):
    student, solution = build_notebooks(master())
    assert "*Your answer.*" in sources(student)
    assert "*Your answer.*" not in sources(solution)
    assert "Because of the factor." in sources(solution)
    assert "Because of the factor." not in sources(student)
    assert len(student.cells) == len(solution.cells) == 6
    assert student.cells[-1].metadata.tags == ["hide-input"]


def test_notebooks_are_valid_and_name_their_problem(master):
    for notebook in build_notebooks(master()):
        nbformat.validate(notebook)
        assert notebook.metadata.eigenlab.problem == "9"
        assert notebook.metadata.kernelspec.name == "python3"
        assert all(not cell.get("outputs") for cell in notebook.cells)


def test_equal_cells_have_different_ids(master):
    twice = "# %%\nx = 1\n\n# %%\nx = 1\n\n# %% [markdown]\n# **9a.**"
    student, _ = build_notebooks(master("# %% [markdown]\n# **9a.**", twice))
    ids = [cell.id for cell in student.cells]
    assert len(set(ids)) == len(ids)


def test_ids_of_cells_survive_a_new_cell_above(master):
    before = {cell.source: cell.id for cell in build_notebooks(master()).student.cells}
    changed = master("# %%\nfrom", "# %%\nimport sys\n\n# %%\nfrom")
    after = {cell.source: cell.id for cell in build_notebooks(changed).student.cells}
    assert before.items() <= after.items()


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("    # END SOLUTION\n", "", 13, "BEGIN SOLUTION without END SOLUTION"),
        ("    # BEGIN SOLUTION double\n", "", 16, "END SOLUTION without BEGIN SOLUTION"),
        ("    y = x * 2\n", "    # BEGIN SOLUTION\n", 14, "begins in line 13"),
        ("    # END SOLUTION\n", "  # END SOLUTION\n", 17, "not indented"),
        ("    # END SOLUTION\n", "    # END SOLUTIONS\n", 17, "no marker"),
        ("    # END SOLUTION\n", "    # END SOLUTION double\n", 17, "no marker"),
        ("# BEGIN SOLUTION\n", "#BEGIN SOLUTION\n", 21, "no marker"),
        ("# BEGIN SOLUTION\n", "# Begin solution\n", 21, "no marker"),
        ("# BEGIN SOLUTION\n", "# SOLUTION\n", 21, "no marker"),
        ("# BEGIN SOLUTION\n", "# start of the SOLUTION\n", 21, "no marker"),
        ("# BEGIN SOLUTION\n", "# BEGIN-SOLUTION\n", 21, "no marker"),
        ("# BEGIN SOLUTION\nscale = 2", "scale = 2  # BEGIN SOLUTION", 21, "no marker"),
        ("scale = 2\n# END SOLUTION\n", "scale = 2\n", 21, "without END SOLUTION in its cell"),
        ('["solution"]', '["solutions"]', 31, "unknown tag 'solutions' (did you mean 'solution'?)"),
        ("scale = 2", "scale = = 2", 22, "invalid syntax"),
        ("    y = x * 2\n", "    if x:\n", 17, "expected an indented block"),
    ],
)
def test_what_would_show_a_solution_is_refused_with_file_and_line(master, old, new, line, words):
    path = master(old, new)
    with pytest.raises(InputError) as caught:
        build_notebooks(path)
    assert words in str(caught.value)
    if words != "expected an indented block":
        assert f"{path}, line {line}" in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_cell_for_both_is_refused(master):
    with pytest.raises(InputError, match="both solution and student"):
        build_notebooks(master('tags=["student"]', 'tags=["student", "solution"]'))


def test_magic_commands_are_no_syntax_errors(master):
    student, _ = build_notebooks(master("# %%\nfrom", "# %%\n# %pip list\nfrom"))
    assert student.cells[1].source.startswith("%pip list\nfrom")


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(InputError, match=r"problem_9\.py cannot be read"):
        build_notebooks(tmp_path / "problem_9.py")


def test_a_missing_library_is_named_with_its_remedy(monkeypatch, tmp_path):
    def refuse_module(name):
        raise ImportError(name)

    monkeypatch.setattr("importlib.import_module", refuse_module)
    with pytest.raises(InputError, match=r"pip install 'eigenlab\[course\]'"):
        build_course(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_course_is_built_with_the_same_bytes_again(tmp_path):
    first, second = build_course(tmp_path / "a"), build_course(tmp_path / "b")
    assert [path.read_bytes() for path in first] == [path.read_bytes() for path in second]
    names = {path.relative_to(tmp_path / "a").as_posix() for path in first}
    assert names == {
        f"{kind}/problem_{problem}.ipynb"
        for kind in ("student", "solutions")
        for problem in masters()
    }
    assert build_course(tmp_path / "a") == first, "what has not changed is no reason to refuse"


def test_a_notebook_that_was_filled_in_is_not_replaced(tmp_path):
    student, solution = build_course(tmp_path, ["5"])
    student.write_text("my work")
    solution.unlink()
    with pytest.raises(InputError, match=r"student/problem_5.ipynb exists and differs"):
        build_course(tmp_path, ["5"])
    assert student.read_text() == "my work"
    assert not solution.exists(), "nothing is written"
    build_course(tmp_path, ["5"], overwrite=True)
    assert json.loads(student.read_text())["nbformat"] == 4


def test_an_unknown_problem_is_refused(tmp_path):
    with pytest.raises(InputError, match="problem '55' has no notebook"):
        build_course(tmp_path, ["55"])
    assert list(tmp_path.iterdir()) == []


def test_no_student_notebook_holds_a_line_of_a_solution():
    for path in masters().values():
        student = build_notebooks(path).student
        shown = {line.strip() for cell in student.cells for line in cell.source.splitlines()}
        inside = False
        for line in path.read_text(encoding="utf-8").splitlines():
            bare = line.strip()
            if "SOLUTION" in bare:
                inside = bare.startswith("# BEGIN")
            elif inside and len(bare) > 25 and not bare.startswith(("def ", "#", "class ")):
                assert bare not in shown, f"{path.name}: {bare}"
