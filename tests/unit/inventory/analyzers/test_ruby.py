"""Ruby gems: the specifications that RubyGems writes."""

import pytest
from tests.support.images import file
from tests.support.inventories import Found

RACK = """# -*- encoding: utf-8 -*-
# stub: rack 2.0.6 ruby lib

Gem::Specification.new do |s|
  s.name = "rack".freeze
  s.version = "2.0.6"

  s.required_rubygems_version = Gem::Requirement.new(">= 0".freeze) if s.respond_to? :required_rubygems_version=
  s.authors = ["Leah Neukirchen".freeze]
  s.licenses = ["MIT".freeze, "Ruby".freeze]
  s.rubygems_version = "3.3.15".freeze

  if s.respond_to? :specification_version then
    s.specification_version = 4
  end
end
"""


@pytest.mark.parametrize(
    "path",
    [
        "usr/local/bundle/specifications/rack-2.0.6.gemspec",
        "usr/local/lib/ruby/gems/3.1.0/specifications/default/rack-2.0.6.gemspec",
        "specifications/rack-2.0.6.gemspec",
    ],
)
def test_a_specification_names_a_gem(path: str) -> None:
    package = Found([file(path, RACK)]).named("rack")

    assert (package.version, package.ecosystem, package.purl) == ("2.0.6", "RubyGems", "pkg:gem/rack@2.0.6")
    assert package.licenses == ("MIT", "Ruby")


def test_one_licence_and_other_quotes() -> None:
    content = (
        "Gem::Specification.new do |spec|\n  spec.name = 'a'\n  spec.version = '1.0.pre'\n  spec.license = 'MIT'\n"
    )

    package = Found([file("specifications/a-1.0.pre.gemspec", content)]).named("a")
    assert (package.version, package.licenses) == ("1.0.pre", ("MIT",))


@pytest.mark.parametrize("path", ["srv/app/rack.gemspec", "gems/rack-2.0.6/rack.gemspec", "specifications/rack.rb"])
def test_other_files_are_no_installed_gems(path: str) -> None:
    assert Found([file(path, RACK)]).names == []


@pytest.mark.parametrize("content", [b"", b"\xff\x00", b"s.name = NAME\ns.version = VERSION\n", b's.name = "a"\n'])
def test_a_specification_without_literal_words_is_told(content: bytes) -> None:
    found = Found([file("specifications/a-1.gemspec", content)])

    assert found.names == []
    assert "specifications/a-1.gemspec" in [unknown.what for unknown in found.unknowns]


def test_of_several_names_the_last_one_counts_and_comments_do_not() -> None:
    path = "usr/lib/ruby/gems/3.1.0/specifications/rack.gemspec"
    block = '=begin\n  s.name = "harmless"\n=end\n'
    twice = '  s.name = "other"\n  s.name = "rack"\n  s.version = "2.0.1"\n'

    found = Found([file(path, block + twice)])

    assert found.names == ["rack"]
    assert (path, "gives its name twice; the last one was taken, as Ruby does") in [
        (unknown.what, unknown.why) for unknown in found.unknowns
    ]
    assert Found([file(path, '=begin\n  s.name = "a"\n  s.version = "1"\n')]).names == []


COMPUTED = "Gem::Specification.new do |s|\n  s.name = 'rack'\n  s.version = Rack::VERSION\nend\n"


@pytest.mark.parametrize(
    ("directory", "content"),
    [
        ("rack", RACK),
        ("rack-2.0.6", RACK),
        ("rack-2.0.6", COMPUTED),
        ("rack-2.0.6-x86_64-linux", COMPUTED),
        ("rack-2.0.6", COMPUTED.replace("'rack'", "NAME")),
    ],
)
def test_a_copy_that_a_project_keeps_of_a_gem_is_named(directory: str, content: str) -> None:
    path = f"srv/app/vendor/gems/{directory}/rack.gemspec"
    package = Found([file(path, content)]).named("rack")

    assert (package.purl, package.locations) == ("pkg:gem/rack@2.0.6", (path,))


def test_a_copy_of_which_nothing_tells_the_version_is_told() -> None:
    found = Found([file("vendor/gems/rack/rack.gemspec", COMPUTED)])

    assert found.names == []
    assert "vendor/gems/rack/rack.gemspec" in [unknown.what for unknown in found.unknowns]


def test_a_gem_that_is_installed_in_vendor_is_named_once() -> None:
    own = file("app/vendor/gems/rack-2.0.6/rack.gemspec", COMPUTED)
    found = Found([file("app/vendor/specifications/rack-2.0.6.gemspec", RACK), own])

    assert [one.locations for one in found.packages] == [("app/vendor/specifications/rack-2.0.6.gemspec",)]
