"""Python packages, wherever they were installed and whatever installed them."""

import pytest
from tests.support.archives import zipped
from tests.support.images import file, python_package
from tests.support.inventories import Found


@pytest.mark.parametrize(
    "path",
    [
        "usr/lib/python3/dist-packages/Django-3.2.dist-info/METADATA",
        "venv/lib/python3.11/site-packages/django-3.2.egg-info/PKG-INFO",
        "opt/django-3.2.egg-info",
        "opt/Django-3.2-py3.11.egg/EGG-INFO/PKG-INFO",
        "django-3.2.dist-info/METADATA",
    ],
)
def test_every_kind_of_metadata_is_read(path: str) -> None:
    package = Found([file(path, "Metadata-Version: 2.1\nName: Django\nVersion: 3.2\n\nText\n")]).named("Django")

    assert (package.version, package.ecosystem, package.purl) == ("3.2", "PyPI", "pkg:pypi/django@3.2")
    assert package.locations == (path,)


@pytest.mark.parametrize("path", ["x.dist-info/RECORD", "x/METADATA", "x.dist-info/sub/METADATA", "PKG-INFO"])
def test_other_files_are_not(path: str) -> None:
    assert Found([file(path, "Name: a\nVersion: 1\n")]).names == []


def test_only_headers_count_and_the_first_of_each() -> None:
    content = "Name: a\r\nVersion: 1\r\nVersion: 2\r\n\r\nName: b\r\nVersion: 3\r\n"

    package = Found([file("a-1.dist-info/METADATA", content)]).named("a")
    assert package.version == "1"


@pytest.mark.parametrize(
    "content", [b"", b"Name: a\n", b"Version: 1\n", b"\xff\xfe\x00binary", b"\n\nName: a\nVersion: 1\n"]
)
def test_metadata_that_names_nothing_is_told(content: bytes) -> None:
    found = Found([file("a-1.dist-info/METADATA", content)])

    assert found.names == []
    assert "a-1.dist-info/METADATA" in [unknown.what for unknown in found.unknowns]


def test_the_layer_is_that_of_the_file() -> None:
    found = Found([python_package("a", "1")], [python_package("b", "2")], [python_package("a", "1")])

    assert {package.name: package.layer for package in found.packages} == {"a": "layer0", "b": "layer1"}


OSI = "Classifier: License :: OSI Approved"


@pytest.mark.parametrize(
    ("headers", "licenses"),
    [
        ("License-Expression: MIT OR Apache-2.0\nLicense: old words\n", ("MIT OR Apache-2.0",)),
        ("License: BSD-3-Clause\n", ("BSD-3-Clause",)),
        (f"License: UNKNOWN\n{OSI} :: MIT License\n", ("MIT License",)),
        (
            f"Classifier: Framework :: Django\n{OSI} :: BSD License\n{OSI} :: MIT License\n",
            ("BSD License", "MIT License"),
        ),
        (f"License: {'Permission is hereby granted ' * 10}\n{OSI} :: MIT License\n", ("MIT License",)),
        (f"{OSI}\n", ()),
        ("Summary: s\n", ()),
    ],
)
def test_the_licence_is_what_the_metadata_states(headers: str, licenses: tuple[str, ...]) -> None:
    content = f"Metadata-Version: 2.4\nName: a\nVersion: 1\n{headers}\nLicense: of the description\n"

    assert Found([file("a-1.dist-info/METADATA", content)]).named("a").licenses == licenses


def test_blanks_without_end_take_no_time() -> None:
    content = b"Name: a \t\r\nVersion: 1" + b" " * 200_000 + b"x\n"

    assert Found([file("a-1.dist-info/METADATA", content)]).named("a").version == "1"


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbfName: six\nVersion: 1.16.0\n",
        b"Name:\n six\nVersion:\r\n\t1.16.0\n",
        b"Name: six\nVersion: 1.16.0\nVersion: 9\n",
    ],
)
def test_headers_are_read_however_they_are_written(content: bytes) -> None:
    assert Found([file("x/six.dist-info/METADATA", content)]).named("six").version == "1.16.0"


@pytest.mark.parametrize(
    "content",
    ["Name: six\n\nVersion: 1\n", "Name: six\nVersion:\n\n", "Name : six\nVersion: 1\n", "Name:\nVersion: 1\n"],
)
def test_metadata_without_a_name_or_a_version_is_told(content: str) -> None:
    found = Found([file("x/six.dist-info/METADATA", content)])

    assert found.names == []
    assert "x/six.dist-info/METADATA" in [unknown.what for unknown in found.unknowns]


@pytest.mark.parametrize("form", ["x/six.dist-info/METADATA", "x.egg"])
def test_a_carriage_return_ends_a_line(form: str) -> None:
    content = b"Metadata-Version: 2.1\rName: django\rVersion: 3.2\nName: harmless\nVersion: 9\r\rName: x\n\n"
    entry = file(form, zipped({"EGG-INFO/PKG-INFO": content}) if form.endswith(".egg") else content)

    found = Found([entry]).named("django")
    assert found.version == "3.2"


@pytest.mark.parametrize("directory", ["X-1.DIST-INFO/METADATA", "X-1.Egg-Info/PKG-INFO"])
def test_the_ending_of_the_directory_has_no_case(directory: str) -> None:
    assert Found([file(f"usr/lib/python3/site-packages/{directory}", "Name: x\nVersion: 1\n")]).names == ["x"]


@pytest.mark.parametrize("path", ["a-1.dist-info/PKG-INFO", "a-1.egg-info/METADATA"])
def test_either_name_of_the_metadata_counts(path: str) -> None:
    assert Found([file(path, "Name: a\nVersion: 1\n")]).names == ["a"]


def test_of_both_names_the_newer_one_counts() -> None:
    other = file("a-1.dist-info/PKG-INFO", "Name: b\nVersion: 2\n")

    assert Found([other, file("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")]).names == ["a"]


@pytest.mark.parametrize("directory", ["Flask_SQLAlchemy-2.5.1.dist-info", "flask.sqlalchemy-2.5.1.dist-info"])
def test_without_metadata_the_directory_tells(directory: str) -> None:
    record = file(f"usr/lib/python3/{directory}/RECORD", "flask_sqlalchemy/__init__.py,,\n")

    (package,) = Found([record]).packages

    assert (package.purl, package.ecosystem) == ("pkg:pypi/flask-sqlalchemy@2.5.1", "PyPI")
    assert Found([record, file(f"usr/lib/python3/{directory}/METADATA", "Name: a\nVersion: 1\n")]).names == ["a"]


@pytest.mark.parametrize(
    "directory", ["six.dist-info", "six-.dist-info", "-1.dist-info", "six-" + "1" * 300 + ".dist-info"]
)
def test_a_directory_that_tells_nothing_is_told(directory: str) -> None:
    found = Found([file(f"srv/{directory}/RECORD", "six.py,,\n")])

    assert found.packages == []
    assert f"srv/{directory}/RECORD" in [one.what for one in found.unknowns]
