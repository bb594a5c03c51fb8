"""Submissions are found in the folders and zip files that platforms and people leave."""

from __future__ import annotations

import os
import stat
import zipfile

import pytest

from eigenlab.errors import InputError
from eigenlab.grading.batch import Settings, find_submissions
from eigenlab.grading.batch.archives import unpack, unpack_class
from eigenlab.grading.batch.one import grade_files, merged, without_names
from eigenlab.grading.isolation import Report
from eigenlab.grading.parts import parts
from student_files import CLUSTERING, NAMES, RECURRENT, exported, notebook, save


def found(folder):
    return {s.key: (s.name, s.id, [p.name for p in s.files]) for s in find_submissions(folder)}


def write(folder, *names):
    for name in names:
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x = 1")
    return folder


def test_files_of_canvas_belong_to_students_by_name_and_number(tmp_path):
    """https://community.canvaslms.com/t5/Instructor-Guide/-/ta-p/717"""
    write(tmp_path, "doejane_LATE_12_345_problem_1-2.ipynb", "doejane_12_346_problem_5.ipynb")
    write(tmp_path, "roejohn_77_347_problem_1.ipynb")
    names = ["doejane_12_346_problem_5.ipynb", "doejane_LATE_12_345_problem_1-2.ipynb"]
    assert found(tmp_path) == {
        "doejane": ("doejane", "12", names),
        "roejohn": ("roejohn", "77", ["roejohn_77_347_problem_1.ipynb"]),
    }


def test_folders_of_moodle_belong_to_students_by_name_and_number(tmp_path):
    """https://docs.moodle.org/en/Assignment_settings"""
    write(tmp_path, "Zoë Doe_12_assignsubmission_file_/a/problem_1.ipynb")
    assert found(tmp_path) == {"Zoë_Doe": ("Zoë Doe", "12", ["problem_1.ipynb"])}


def test_names_of_gradescopes_export_come_from_its_list(tmp_path):
    """https://guides.gradescope.com/hc/en-us/articles/22066635961357"""
    folder = write(tmp_path / "assignment_9_export", "submission_1/a.ipynb", "submission_2/b.py")
    (folder / "submission_metadata.yml").write_text(
        "submission_1:\n  :submitters:\n  - :name: Jane Doe\n    :sid: '007'\n    :email: j@x.org\n"
        "  - :name: John Roe\n    :sid: ''\n    :email: r@x.org\n"
    )
    assert found(tmp_path) == {
        "Jane_Doe_John_Roe-67e4a4": ("Jane Doe & John Roe", "007 & r@x.org", ["a.ipynb"]),
        "submission_2": ("submission_2", "", ["b.py"]),
    }
    (folder / "submission_metadata.yml").write_text("a: [")
    assert list(found(tmp_path)) == ["submission_1", "submission_2"]


def test_a_folder_of_folders_has_a_student_each(tmp_path):
    """nbgrader: submitted/STUDENT/ASSIGNMENT/NOTEBOOK"""
    write(tmp_path / "submitted", "ada/ps1/a.ipynb", "bob/ps1/a.ipynb", "bob/ps1/data.csv")
    write(tmp_path, "__MACOSX/._x.ipynb", ".DS_Store")
    write(tmp_path / "submitted", "bob/.ipynb_checkpoints/a-checkpoint.ipynb", "readme.txt")
    (tmp_path / "submitted" / "eve").mkdir()
    submissions = find_submissions(tmp_path)
    assert [(s.key, len(s.files)) for s in submissions] == [("ada", 1), ("bob", 1), ("eve", 0)]
    assert submissions[2].problem == "there is no notebook, script or zip file"


def only_folder(tmp_path, *files):
    """Names of the submissions in a folder with one folder, which holds these files."""
    (tmp_path / "zoe").mkdir()
    for name, content in files:
        save(tmp_path / "zoe", content, name)
    return [submission.name for submission in find_submissions(tmp_path)]


def test_the_only_student_of_a_class_is_not_taken_apart(tmp_path):
    all_in_one = ("all.py", exported([*RECURRENT, *CLUSTERING]))
    assert only_folder(tmp_path, all_in_one, ("problem_5.ipynb", CLUSTERING)) == ["zoe"]
    write(tmp_path, "zoe/figures/plot.py")
    assert list(found(tmp_path)) == ["zoe"]
    assert len(find_submissions(tmp_path)[0].files) == 3


@pytest.mark.parametrize(
    "names", [("a.ipynb", "b.ipynb"), ("doejane_12_1_p.ipynb", "roejohn_13_2_p.zip")]
)
def test_the_only_folder_is_a_class_if_it_is_that_of_several_students(tmp_path, names):
    people = only_folder(tmp_path, *((name, CLUSTERING) for name in names))
    assert people == [name.split("_")[0].removesuffix(".ipynb") for name in names]


def test_links_and_pipes_are_neither_followed_nor_read(tmp_path):
    secret = write(tmp_path / "secret", "key.py")
    folder = write(tmp_path / "class", "ada/a.py", "bob/b.py")
    (folder / "ada" / "link.py").symlink_to(secret / "key.py")
    (folder / "ada" / "folder").symlink_to(secret)
    (folder / "eve").symlink_to(secret)
    os.mkfifo(folder / "bob" / "pipe.py")
    assert found(folder) == {
        "ada": ("ada", "", ["a.py"]),
        "bob": ("bob", "", ["b.py"]),
        "eve": ("eve", "", []),
    }
    problem = "there is no notebook, script or zip file (eve)"
    assert find_submissions(folder)[2].problem == problem


def test_nobody_disappears_who_handed_in_something_else(tmp_path):
    names = ["doejane_123_45_p5.py", "doejane_123_46_p5.pdf", "smithbob_124_46_p5.pdf"]
    names += ["carlx_125_47_p5.ipynb.txt", "dan_126_48_p5.tar.gz", "..weird.py", "notes.html"]
    names += ["Eve Moo_555_assignsubmission_file_/p5.pdf", "README.txt", ".hidden.py", "._a.ipynb"]
    submissions = find_submissions(write(tmp_path, *names))
    none = "there is no notebook, script or zip file"
    assert {s.name: (s.id, s.problem) for s in submissions} == {
        "doejane": ("123", ""),
        "smithbob": ("124", f"{none} (smithbob_124_46_p5.pdf)"),
        "carlx": ("125", f"{none} (carlx_125_47_p5.ipynb.txt)"),
        "dan": ("126", f"{none} (dan_126_48_p5.tar.gz)"),
        "Eve Moo": ("555", f"{none} (p5.pdf)"),
        "..weird": ("", ""),
        "notes": ("", f"{none} (notes.html)"),
    }


def test_odd_names_give_files_of_their_own(tmp_path):
    names = [
        "ada",
        "Ada",
        "a b",
        "a_b",
        "=1+1",
        "n\nl",
        "\u202eevil",
        "x" * 200,
        "Ω",
        os.fsdecode(b"\xff"),
    ]
    for name in names:
        write(tmp_path, f"{name}/a.py")
    submissions = find_submissions(tmp_path)
    keys = [s.key for s in submissions]
    assert len(names) == len({key.casefold() for key in keys})
    for submission in submissions:
        assert len(submission.key) < 80
        assert submission.name.isprintable()
        (tmp_path / f"{submission.key}.json").touch()
        submission.name.encode()
        submission.digest()


def test_a_folder_without_submissions_is_refused(tmp_path):
    with pytest.raises(InputError, match="has no submissions"):
        find_submissions(tmp_path)
    with pytest.raises(InputError, match="is no folder"):
        find_submissions(tmp_path / "nowhere")


# Zip files.


def zipped(path, *entries):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in entries:
            archive.writestr(name, content)
    return path


def link(name):
    entry = zipfile.ZipInfo(name)
    entry.create_system, entry.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    return entry


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("../a.py", "a path outside"),
        ("x/../../a.py", "a path outside"),
        ("/etc/a.py", "a path outside"),
        ("C:/a.py", "a path outside"),
        ("..\\a.py", "a path outside"),
        (link("a.py"), "a link"),
        ("a\x1b[2J.py", "no usual one"),
        ("x" * 600 + ".py", "no usual one"),
    ],
)
def test_paths_that_lead_elsewhere_are_refused(tmp_path, name, words):
    """https://security.snyk.io/research/zip-slip-vulnerability"""
    archive = zipped(tmp_path / "a.zip", ("b.py", "1"), (name, "1"))
    with pytest.raises(InputError, match=words):
        unpack(archive, tmp_path / "out", max_bytes=1000)
    assert not (tmp_path / "a.py").exists()


ODD = [
    ("bob/../../evil.py", "bob", "a path outside"),
    ("../eve.py", "eve", "a path outside"),
    ("/etc/eve.py", "etc", "a path outside"),
    ("..", "_", "a path outside"),
    ("bo\nb/x.py", "bo_b", "no usual one"),
    ("bob/x\n.py", "bob", "no usual one"),
    ("bob/" + "x" * 600 + ".py", "bob", "no usual one"),
    ("bob/" + "x" * 300 + ".py", "bob", "cannot be unpacked"),
    (link("eve.py"), "eve", "a link"),
    ("../ada.py", "ada-130745", "a path outside"),  # which is not Ada's
    ("ada.py/x.py", "ada", "cannot be unpacked"),
]


@pytest.mark.parametrize(("name", "owner", "words"), ODD)
@pytest.mark.parametrize("root", ["", "class/"])
def test_in_the_zip_file_of_a_class_a_bad_entry_costs_its_owner_only(
    tmp_path, root, name, owner, words
):
    if root and isinstance(name, str):
        if name.startswith(("/", "..")):
            pytest.skip("it is in no folder")
        name = root + name
    elif root:
        name = link(root + "eve.py")
    others = [(f"{root}ada.py", "x = 1"), (f"{root}zoe/a.py", "x = 1"), (f"{root}bob/b.py", "1")]
    archive = zipped(tmp_path / "c.zip", (name, "1"), *others)
    if owner == "ada" and words == "cannot be unpacked":
        archive = zipped(tmp_path / "c.zip", *others, (name, "1"))
    refused = unpack_class(archive, tmp_path / "out", max_bytes=1000)
    submissions = {s.name: s for s in find_submissions(tmp_path / "out" / root, refused)}
    assert submissions.keys() == {"ada", "zoe", "bob", owner}
    bad = {name: s.problem for name, s in submissions.items() if s.problem}
    assert list(bad) == [owner]
    assert words in bad[owner]
    assert not submissions[owner].files
    assert [path.name for path in tmp_path.iterdir() if path.name != "out"] == ["c.zip"]


def test_in_the_zip_file_of_a_class_a_damaged_entry_costs_its_owner_only(tmp_path):
    with zipfile.ZipFile(tmp_path / "c.zip", "w") as archive:
        for name in ("ada", "bob"):
            archive.writestr(f"{name}.py", f"name = '{name}'")
    content = (tmp_path / "c.zip").read_bytes().replace(b"name = 'bob'", b"name = 'eve'")
    (tmp_path / "c.zip").write_bytes(content)
    refused = unpack_class(tmp_path / "c.zip", tmp_path / "out", max_bytes=1000)
    found = {s.name: s.problem for s in find_submissions(tmp_path / "out", refused)}
    assert found["ada"] == ""
    assert "Bad CRC-32" in found["bob"]


def test_the_zip_file_of_a_class_names_whoever_handed_in_something_else(tmp_path):
    names = ["c/ada/a.py", "c/bob/report.pdf", "c/eve/", "__MACOSX/c/._x.py", "c/.DS_Store"]
    archive = zipped(tmp_path / "c.zip", *((name, "x") for name in names))
    assert unpack_class(archive, tmp_path / "out", max_bytes=10) == {}
    assert (tmp_path / "out/c/bob/report.pdf").read_bytes() == b""  # only that it is there
    submissions = find_submissions(tmp_path / "out")
    assert [(s.name, bool(s.problem)) for s in submissions] == [
        ("ada", False),
        ("bob", True),
        ("eve", True),
    ]
    with pytest.raises(InputError, match="too large"):
        unpack_class(archive, tmp_path / "more", max_bytes=0)


def test_bombs_are_refused_by_what_they_unpack_to(tmp_path):
    archive = zipped(tmp_path / "a.zip", *((f"{i}.py", b"0" * 400_000) for i in range(4)))
    assert archive.stat().st_size < 10_000
    with pytest.raises(InputError, match="too large"):
        unpack(archive, tmp_path / "out", max_bytes=1_000_000)
    written = [path.stat().st_size for path in (tmp_path / "out").iterdir()]
    assert sum(written) <= 1_000_000 + (1 << 20)
    content = archive.read_bytes().replace((400_000).to_bytes(4, "little"), b"\1\0\0\0")
    (tmp_path / "lies.zip").write_bytes(content)
    with pytest.raises(InputError, match=r"cannot be unpacked|too large"):
        unpack(tmp_path / "lies.zip", tmp_path / "more", max_bytes=1_000_000)


def test_encrypted_damaged_and_repeated_files_are_refused(tmp_path):
    good = zipped(tmp_path / "a.zip", ("a.py", "x" * 100)).read_bytes()
    place = good.index(b"PK\1\2")
    locked = bytearray(good)
    locked[6] |= 1
    locked[place + 8] |= 1
    for content in (bytes(locked), b"PK", good[:-30], good.replace(b"a.py", b"b.py", 1)):
        (tmp_path / "b.zip").write_bytes(content)
        with pytest.raises(InputError, match=r"b\.zip cannot be unpacked"):
            unpack(tmp_path / "b.zip", tmp_path / "out", max_bytes=1000)
    with pytest.warns(UserWarning, match="Duplicate"):
        zipped(tmp_path / "c.zip", ("a.py", "1"), ("a.py", "2"))
    with pytest.raises(InputError, match="two files"):
        unpack(tmp_path / "c.zip", tmp_path / "c", max_bytes=1000)


def test_only_what_grading_reads_is_unpacked(tmp_path):
    names = ["x/a.ipynb", "data.csv", ".ssh/id.py", "__MACOSX/a.py", "e/", "B.PY"]
    archive = zipped(tmp_path / "a.zip", *((name, "") for name in names))
    written = unpack(archive, tmp_path / "out", max_bytes=10)
    assert [path.name for path in written] == ["a.ipynb", "B.PY"]


# Which of several files counts.


def graded(files, **settings):
    return grade_files(files, Settings(**settings), lambda source, parts: Report([], ()))


def test_of_a_notebook_and_its_script_the_notebook_counts(tmp_path):
    files = [
        save(tmp_path, CLUSTERING, "a.ipynb"),
        save(tmp_path, exported(CLUSTERING), "a.py"),
        save(tmp_path, "def helper(): return 1", "helper.py"),
    ]
    report = graded(files)
    assert (report.file, report.problems) == ("a.ipynb", ["5"])
    assert "a.py is not graded for problem 5: a.ipynb is the notebook." in report.notes
    assert any(note.startswith("helper.py is not graded: ") for note in report.notes)


def test_a_part_counts_once_whatever_files_it_is_in(tmp_path):
    files = [
        save(tmp_path, exported([*RECURRENT, *CLUSTERING]), "all.py"),
        save(tmp_path, CLUSTERING, "problem_5.ipynb"),
    ]
    report = graded(files)
    ids = [part.part for part in report.parts]
    assert sorted(ids) == sorted({part.id for part in [*parts("1"), *parts("5")]})
    assert report.file == "all.py, problem_5.ipynb"
    assert "all.py is not graded for problem 5: problem_5.ipynb is the notebook." in report.notes
    with pytest.raises(ValueError, match=r"parts 5b, .* several of the reports of all\.py"):
        merged([report, graded(files[1:])])


def test_two_notebooks_of_a_problem_are_not_chosen_from(tmp_path):
    files = [save(tmp_path, CLUSTERING, name) for name in ("a.ipynb", "b.ipynb")]
    with pytest.raises(InputError, match=r"several files are of problem 5: a.ipynb, b.ipynb; keep"):
        graded(files)


def test_notebooks_of_two_problems_make_one_report(tmp_path):
    files = [save(tmp_path, CLUSTERING, "a.ipynb"), save(tmp_path, NAMES, "b.ipynb")]
    report = graded(files)
    assert sorted(report.problems) == ["2", "5"]
    assert {part.part[0] for part in report.parts} == {"2", "5"}
    assert graded(files, problem="names").file == "b.ipynb"


UNTOUCHED = (
    "def get_adjacency_matrix(gamma, X):\n"
    "    d = 0\n    # TODO\n    raise NotImplementedError('get_adjacency_matrix')\n    return d"
)


def test_a_notebook_in_which_nothing_is_written_gives_way(tmp_path):
    """Until something is: a part of the notebook counts more than a whole script."""
    files = [save(tmp_path, [UNTOUCHED]), save(tmp_path, exported(CLUSTERING), "hw.py")]
    report = graded(files)
    assert report.file == "hw.py"
    words = "homework.ipynb is not graded for problem 5: all of it still has to be written."
    assert words in report.notes
    assert graded(files[:1]).file == "homework.ipynb"
    save(tmp_path, [UNTOUCHED, CLUSTERING[4]])
    assert graded(files).file == "homework.ipynb"
    save(tmp_path, [UNTOUCHED])
    two = [*files, save(tmp_path, CLUSTERING, "b.ipynb")]
    assert graded(two).file == "b.ipynb"


@pytest.mark.parametrize(
    ("contents", "note"),
    [
        (["x = 1"], "0.py has no code of problem 5: 0.py has nothing of the course"),
        (["\n\n".join(NAMES)], "0.py has no code of problem 5: it is of problem 2"),
        (["x = 1", "\n\n".join(NAMES)], "1.py has no code of problem 5: it is of problem 2"),
    ],
)
def test_a_submission_without_the_problem_fails_every_part_of_it(tmp_path, contents, note):
    files = [save(tmp_path, content, f"{i}.py") for i, content in enumerate(contents)]
    report = graded(files, problem="5")
    assert {part.status for part in report.parts if part.part != "5g-labels"} == {"missing"}
    assert any(found.startswith(note) for found in report.notes)
    metadata = {"eigenlab": {"problem": "4"}}
    report = graded([save(tmp_path, ["x = 1"], metadata=metadata)], problem="5")
    assert {part.status for part in report.parts if part.part != "5g-labels"} == {"missing"}
    files.append(save(tmp_path, "no notebook", "broken.ipynb"))  # which may have been it
    with pytest.raises(InputError, match=r"broken\.ipynb is no notebook"):
        graded(files, problem="5")


def test_zip_files_are_read_and_those_in_them_named(tmp_path):
    import json

    entries = [("x/problem_5.ipynb", json.dumps(notebook(CLUSTERING))), ("more.zip", b"PK")]
    report = graded([zipped(tmp_path / "submission.zip", *entries)])
    assert report.file == "problem_5.ipynb"
    assert "more.zip, a zip file in a zip file, is not read." in report.notes


def test_names_are_replaced_where_they_stand():
    words = ["Doe_Jo", "12345"]
    text = "doe wrote doe_jo.py (12345), john does"
    assert without_names(text, words) == "[name] wrote [name].py ([name]), john does"
