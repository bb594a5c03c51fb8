import subprocess
import sys

import pytest

from eigenlab.data import Mirror, cache_folder, dataset, datasets, find, path, status, verify
from eigenlab.errors import DataError, InputError
from tongues import CONTENT


def put(folder, content=CONTENT):
    folder.mkdir(parents=True)
    for name, payload in content.items():
        (folder / name).write_bytes(payload)
    return folder


def test_order_is_root_then_environment_then_cache(tmp_path, cache, register, monkeypatch):
    register()
    cached = put(cache / "tongues")
    assert find("tongues") == cached
    own = put(tmp_path / "own" / "tongues")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path / "own"))
    assert find("tongues") == own
    given = put(tmp_path / "given" / "tongues")
    assert find("tongues", root=tmp_path / "given") == given
    assert path("tongues", root=tmp_path / "given") == given


def test_environment_without_the_dataset_falls_through_to_the_cache(
    tmp_path, cache, register, monkeypatch
):
    register()
    cached = put(cache / "tongues")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path))
    assert find("tongues") == cached


def test_an_invalid_root_or_environment_is_an_error(tmp_path, cache, register, monkeypatch):
    register()
    put(cache / "tongues")
    with pytest.raises(DataError, match="holds no folder 'tongues'"):
        find("tongues", root=tmp_path / "nowhere")
    monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path / "nowhere"))
    with pytest.raises(DataError, match=r"EIGENLAB_DATA='.*nowhere' is not a folder"):
        find("tongues")


def test_absent_data_names_the_command_and_the_folder(cache, register):
    register()
    assert path("tongues") is None
    for call in (lambda: find("tongues", download=False), lambda: verify("tongues")):
        with pytest.raises(DataError) as caught:
            call()
        assert "`eigenlab data fetch tongues`" in str(caught.value)
        assert str(cache / "tongues") in str(caught.value)
    with pytest.raises(DataError, match=r"cannot be fetched: it has no mirror.*EIGENLAB_DATA"):
        find("tongues")


@pytest.mark.parametrize("place", ["cache", "environment"])
@pytest.mark.parametrize(
    ("damage", "told"),
    [
        (lambda file: file.write_bytes(file.read_bytes()[:-1]), "is truncated: 18 bytes, expect"),
        (lambda file: file.write_bytes(file.read_bytes() + b"x"), "is altered: 20 bytes, expect"),
        (lambda file: file.write_bytes(b"Xurin\nDurin\nThorin\n"), "is altered: SHA-256"),
        (lambda file: file.unlink(), "is missing"),
    ],
)
def test_a_damaged_file_is_detected(tmp_path, cache, register, monkeypatch, place, damage, told):
    register()
    folder = put((cache if place == "cache" else tmp_path / "own") / "tongues")
    if place == "environment":
        monkeypatch.setenv("EIGENLAB_DATA", str(tmp_path / "own"))
    assert verify("tongues") == []
    damage(folder / "Dwarvish.txt")
    findings = verify("tongues")
    assert [finding.path for finding in findings] == [folder / "Dwarvish.txt"]
    assert findings[0].problem.startswith(told)
    with pytest.raises(DataError, match=r"Dwarvish\.txt is"):
        find("tongues")


def test_the_users_own_data_in_root_are_found_and_verify_reports_them(tmp_path, cache, register):
    register()
    put(tmp_path / "own" / "tongues", {"Elvish.txt": b"Elrond\n"})
    assert find("tongues", root=tmp_path / "own")
    problems = {
        finding.path.name: finding.problem for finding in verify("tongues", tmp_path / "own")
    }
    assert problems["Dwarvish.txt"] == "is missing"
    assert problems["Elvish.txt"].startswith("is truncated")


def test_status_has_the_place_of_every_dataset(cache, register):
    register()
    states = {state.name: state for state in status()}
    assert states["names-mini"].place == "embedded"
    assert (states["tongues"].folder, states["tongues"].place) == (None, None)
    put(cache / "tongues")
    states = {state.name: state for state in status()}
    assert (states["tongues"].folder, states["tongues"].place) == (cache / "tongues", "cache")
    assert states["tongues"].findings == ()


def test_unknown_dataset_suggests_the_nearest():
    with pytest.raises(InputError, match=r"'nmes' is unknown \(did you mean 'names'\?\)"):
        find("nmes")


def test_the_catalogue_is_well_formed():
    names = [item.name for item in datasets()]
    assert len(set(names)) == len(names)
    for item in datasets():
        assert item.description.endswith(".")
        assert item.licence
        assert bool(item.files) != bool(item.embedded)
        for file in item.files:
            assert file.path == f"{item.name}/{file.name}"
            assert len(file.sha256) == 64
            assert file.size > 0


def test_cache_follows_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("EIGENLAB_CACHE", str(tmp_path))
    assert cache_folder() == tmp_path
    monkeypatch.delenv("EIGENLAB_CACHE")
    assert cache_folder().name == "eigenlab"


def test_the_package_imports_neither_numpy_nor_a_network_client():
    code = (
        "import sys, eigenlab.data;"
        "print([m for m in ('torch', 'numpy', 'pooch', 'requests') if m in sys.modules])"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "[]"


def test_mirrors_are_formatted_by_path_or_name():
    mirror = Mirror("https://host/{name}")
    assert mirror.url.format(path="mnist/a.gz", name="a.gz") == "https://host/a.gz"
    assert dataset("names").files[0].path == "names/Arabic.txt"
