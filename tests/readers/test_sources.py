"""Files, folders, standard input and objects in memory."""

from __future__ import annotations

import gzip
import io
import json
import os
import sys
from pathlib import Path
from typing import Any

import pytest
from made_objects import named, node, pod

from yuheng.errors import InputError, NotFoundError
from yuheng.model.cluster import Skipped
from yuheng.readers import read
from yuheng.readers.sources.files import contents

POD = json.dumps(pod())
YAML = "kind: Pod\nmetadata: {name: p}\nspec:\n  containers:\n  - name: c\n    image: c:1\n"


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def names(*sources: Any) -> list[str]:
    return [found.name for found in read(*sources).pods]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("p.json", POD, id="json"),
        pytest.param("p.yaml", YAML, id="yaml"),
        pytest.param("p.json", YAML, id="yaml under the name of json"),
        pytest.param("p.yaml", POD, id="json under the name of yaml"),
        pytest.param("p", POD, id="no suffix"),
        pytest.param("p.json.gz", gzip.compress(POD.encode()), id="compressed"),
        pytest.param("p.json", gzip.compress(YAML.encode()), id="compressed under another name"),
        pytest.param("p.gz", gzip.compress(POD[:50].encode()) + gzip.compress(POD[50:].encode()), id="two members"),
        pytest.param("p.json", f"\n\n  {POD}\n\n", id="blanks around"),
        pytest.param("p.json", POD.encode("utf-16"), id="PowerShell's UTF-16"),
        pytest.param("p.json", b"\xfe\xff" + POD.encode("utf-16-be"), id="UTF-16 the other way round"),
        pytest.param("p.json", POD.encode("utf-8-sig"), id="a byte order mark"),
        pytest.param("p.yaml", YAML.replace("\n", "\r\n"), id="lines of Windows"),
        pytest.param("p.yaml", "{kind: Pod, metadata: {name: p}, spec: {containers: [{image: 'c:1'}]}}", id="braces"),
        pytest.param("p.yaml", f"---\n# nothing\n---\n{YAML}---\n", id="empty documents"),
        pytest.param("p.json", f"[{POD}]", id="an array"),
        pytest.param("p.json", json.dumps({"kind": "List", "items": [pod()]}), id="a List"),
        pytest.param("p.json", json.dumps({"items": [pod()], "kind": "List"}), id="a List, its kind last"),
        pytest.param("p.json", json.dumps({"items": [{"kind": "List", "items": [pod()]}]}), id="a List in a list"),
    ],
)
def test_a_pod_is_found_in(tmp_path: Path, name: str, content: str | bytes) -> None:
    assert names(written(tmp_path, name, content)) == ["p"]


def test_a_large_file_is_read_as_a_small_one(tmp_path: Path) -> None:
    many = {"kind": "List", "items": [pod(f"p{number:05}") for number in range(10_000)]}
    assert len(names(written(tmp_path, "p.json", json.dumps(many)))) == 10_000


@pytest.mark.parametrize("separator", ["", "\n", "\n\n \t"], ids=["nothing", "a line", "blanks"])
def test_json_documents_may_follow_one_another(tmp_path: Path, separator: str) -> None:
    texts = [json.dumps(pod("a"), indent=2), json.dumps([pod("b"), pod("c")]), json.dumps(pod("d"))]
    assert names(written(tmp_path, "p.json", separator.join(texts))) == ["a", "b", "c", "d"]


def test_yaml_documents_are_told_apart(tmp_path: Path) -> None:
    text = f"{YAML}---\n{YAML.replace('name: p', 'name: q')}"
    assert names(written(tmp_path, "p.yaml", text)) == ["p", "q"]


@pytest.mark.parametrize("name", ["p.yaml", "p.json"])
def test_yaml_documents_may_be_json(tmp_path: Path, name: str) -> None:
    text = f"{POD}\n---\n{json.dumps(pod('q'), indent=2)}\n"
    assert names(written(tmp_path, name, text)) == ["p", "q"]


def test_items_of_a_typed_list_need_not_say_what_they_are() -> None:
    items = [{key: value for key, value in pod(name).items() if key in ("metadata", "spec")} for name in "ab"]
    assert names({"kind": "PodList", "apiVersion": "v1", "items": items}) == ["a", "b"]


def test_a_list_of_an_unknown_kind_is_counted_item_by_item() -> None:
    found = read({"kind": "ConfigMapList", "apiVersion": "v1", "items": [{"metadata": {"name": "a"}}] * 2})
    assert found.skipped == (Skipped("ConfigMap", 2),)


def test_an_empty_list_is_empty() -> None:
    assert read({"kind": "List", "items": None}, {"kind": "PodList", "items": []}).pods == ()


@pytest.mark.parametrize(
    "given",
    [pod(), [pod()], (pod(),), {"kind": "List", "items": [pod()]}],
    ids=["an object", "a list", "a tuple", "a List"],
)
def test_objects_in_memory_are_sources(given: Any) -> None:
    assert names(given) == ["p"]


def test_sources_are_put_together(tmp_path: Path) -> None:
    found = read(written(tmp_path, "n.json", json.dumps(node())), str(written(tmp_path, "p.yaml", YAML)), pod("q"))
    assert ([one.name for one in found.nodes], [one.name for one in found.pods]) == (["n"], ["p", "q"])


class TestFolders:
    def test_are_read_with_the_folders_in_them(self, tmp_path: Path) -> None:
        for name, content in {
            "a.json": json.dumps(pod("a")),
            "b.YAML": YAML.replace("name: p", "name: b"),
            "deep/er/c.yml": YAML.replace("name: p", "name: c"),
            "d.json.gz": gzip.compress(json.dumps(pod("d")).encode()),
            "e.csv": "name,cpu_milli,memory_mib,num_gpu,gpu_milli\ne,1,1,0,0\n",
        }.items():
            written(tmp_path, name, content)
        assert names(tmp_path) == ["a", "b", "c", "d", "e"]

    @pytest.mark.parametrize("name", ["notes.md", ".hidden.json", ".git/p.json", "p.json.bak", "p.txt.gz"])
    def test_other_files_are_passed_over(self, tmp_path: Path, name: str) -> None:
        written(tmp_path, "p.json", POD)
        written(tmp_path, name, json.dumps(pod("q")))
        assert names(tmp_path) == ["p"]

    def test_links_that_loop_are_not_followed(self, tmp_path: Path) -> None:
        written(tmp_path, "p.json", POD)
        (tmp_path / "again").symlink_to(tmp_path, target_is_directory=True)
        assert names(tmp_path) == ["p"]

    def test_a_linked_file_is_read(self, tmp_path: Path) -> None:
        folder = tmp_path / "folder"
        folder.mkdir()
        (folder / "p.json").symlink_to(written(tmp_path, "elsewhere.json", POD))
        assert names(folder) == ["p"]


class TestStandardInput:
    @pytest.mark.parametrize("content", [POD.encode(), gzip.compress(POD.encode())], ids=["plain", "compressed"])
    def test_is_a_dash(self, content: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))
        assert names("-") == ["p"]

    def test_may_be_a_pipe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        receiver, sender = os.pipe()
        os.write(sender, POD.encode())
        os.close(sender)
        with os.fdopen(receiver) as stream:
            monkeypatch.setattr(sys, "stdin", stream)
            assert names("-") == ["p"]

    def test_is_named_in_errors(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"{")))
        with pytest.raises(InputError, match="<stdin>: JSON that is cut off at its end"):
            read("-")


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        pytest.param("p.json", "", "found an empty file, expected Kubernetes objects or a CSV trace", id="empty"),
        pytest.param("p.yaml", " \n\n", "found an empty file, expected Kubernetes objects or a CSV trace", id="blank"),
        pytest.param("p.gz", gzip.compress(b""), "found an empty file, expected Kubernetes", id="empty inside"),
        pytest.param("p.json", POD[:-1], "JSON that is cut off at its end", id="cut off"),
        pytest.param("p.json", '{"kind":\n  "Pod",}', "malformed JSON at line 2, column 9: trailing comma", id="comma"),
        pytest.param("p.json", POD + "}", "malformed JSON at line 1, column", id="something after"),
        pytest.param("p.json", '"Pod"', "found text, expected Kubernetes objects", id="a string"),
        pytest.param("p.json", "<html>\n</html>", "found text, expected Kubernetes objects", id="a web page"),
        pytest.param("p.json", "[1]", "item 1: found a whole number, expected a map", id="a number in a list"),
        pytest.param("p.json", "{}", "item 1: kind: found nothing, expected a Kubernetes object", id="no kind"),
        pytest.param("p.json", '{"kind": 1}', "item 1: kind: found a whole number, expected text", id="kind of a kind"),
        pytest.param(
            "p.json", '{"kind": "List", "items": {}}', "item 1: items: found a map, expected a list", id="items"
        ),
        pytest.param(
            "p.json",
            json.dumps({"kind": "List", "items": [pod(), {"spec": {}}]}),
            "item 2: kind: found nothing, expected a Kubernetes object",
            id="an item without a kind",
        ),
        pytest.param("p.gz", gzip.compress(POD.encode())[:-12], "found a gzip file that is cut off", id="gzip cut off"),
        pytest.param("p.gz", gzip.compress(POD.encode())[:20] + b"xx", "gzip file", id="gzip damaged"),
        pytest.param("p.gz", b"\x1f\x8b\x07" + bytes(20), "a damaged gzip file", id="gzip of another method"),
        pytest.param("p.yaml", b"\xff\xfe\xfa", "text that is not utf-16", id="half a character"),
        pytest.param("p.yaml", b"kind: \xe9tude", "bytes that are not text (at byte 6)", id="Latin-1"),
        pytest.param("p.json", bytes(1000), "bytes that are not text", id="zeros"),
        pytest.param(
            "p.json",
            POD.replace('"p"', '"\xe9tude"').encode("latin-1"),
            "Pod, item 1: found text that is not UTF-8: invalid continuation byte",
            id="Latin-1 in JSON",
        ),
        pytest.param(
            "p.json",
            f"[{POD}, {POD}]".encode().replace(b'"Pod"', b'"P\xf6d"'),
            "item 1: found text that is not UTF-8: invalid start byte, expected UTF-8",
            id="Latin-1 in a kind",
        ),
        pytest.param("p.json", "[" * 100_000, "found nesting without end, expected a Kubernetes object", id="deep"),
        pytest.param(
            "p.json", '{"kind": "Pod", "a": ' + "[" * 100_000, "found nesting without end", id="deep in an object"
        ),
    ],
)
def test_a_file_that_cannot_be_used_is_an_error(tmp_path: Path, name: str, content: str | bytes, message: str) -> None:
    path = written(tmp_path, name, content)
    with pytest.raises(InputError) as caught:
        read(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_path_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(NotFoundError, match=r"gone.json: no such file or folder"):
        read(tmp_path / "gone.json")


def test_a_folder_without_a_manifest_is_an_error(tmp_path: Path) -> None:
    written(tmp_path, "notes.md", "# nothing")
    with pytest.raises(InputError, match=r"found no manifest in this folder, expected files named \*\.json, \*\.yaml"):
        read(tmp_path)


def test_what_cannot_be_opened_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match=r"p.json/below: found what cannot be read: Not a directory, expected a file or folder"
    ):
        read(written(tmp_path, "p.json", POD) / "below")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
@pytest.mark.parametrize("name", ["p.json", ""])
def test_what_must_not_be_read_is_an_error(tmp_path: Path, name: str) -> None:
    written(tmp_path, "p.json", POD)
    (tmp_path / name).chmod(0)
    with pytest.raises(InputError, match="found what cannot be read: Permission denied"):
        read(tmp_path / name)
    (tmp_path / name).chmod(0o700)


@pytest.mark.parametrize("compress", [False, True], ids=["plain", "compressed"])
def test_a_file_beyond_the_limit_is_not_taken_into_memory(tmp_path: Path, compress: bool) -> None:
    content = b" " * 3 * 1024**2
    path = written(tmp_path, "p.json", gzip.compress(content) if compress else content)
    with pytest.raises(InputError, match=r"p.json: found more than 2 MiB after decompression, expected a smaller file"):
        list(contents(path, limit=2 * 1024**2))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"kind": object()}, "an object that is not JSON: Encoding objects of type object is unsupported"),
        ({"kind": "Pod", True: 1}, "an object that is not JSON: Only dicts with str-like"),
        ([5], "item 1: found a whole number, expected a map"),
    ],
)
def test_objects_in_memory_must_be_json(given: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(given)


def test_an_object_that_contains_itself_is_an_error() -> None:
    circle: dict[str, Any] = named("Pod", "p")
    circle["spec"] = circle
    with pytest.raises(InputError, match="<object>: an object that is not JSON: maximum recursion depth exceeded"):
        read(circle)
