"""Names as their ecosystems compare them."""

import pytest

from hullguard.advisories.names import canonical


@pytest.mark.parametrize(
    ("ecosystem", "name", "expected"),
    [
        ("PyPI", "Flask_Login", "flask-login"),
        ("PyPI", "a.-_b", "a-b"),
        ("NuGet", "Newtonsoft.Json", "newtonsoft.json"),
        ("Packagist", "Symfony/HTTP-Kernel", "symfony/http-kernel"),
        ("Packagist:https://packages.example.org", "Drupal/Core", "drupal/core"),
        ("SwiftURL", "github.com/weichsel/ZIPFoundation", "github.com/weichsel/zipfoundation"),
        ("npm", "JSONStream", "JSONStream"),
        ("RubyGems", "RedCloth", "RedCloth"),
        ("Maven", "org.Example:Artifact", "org.Example:Artifact"),
        ("Go", "github.com/BurntSushi/toml", "github.com/BurntSushi/toml"),
        ("Debian:12", "libX", "libX"),
    ],
)
def test_a_name_is_spelled_as_its_ecosystem_compares_it(ecosystem: str, name: str, expected: str) -> None:
    assert canonical(ecosystem, name) == expected
    assert canonical(ecosystem, canonical(ecosystem, name)) == expected
