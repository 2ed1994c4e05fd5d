"""Inventories in slices."""

import random

import msgspec
import pytest
import zstandard

from hullguard.model.errors import LimitReached
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import Inventory
from hullguard.model.package import Package, PackageType
from hullguard.wire import codec, limits
from hullguard.wire.inventory import LAYER_BYTES, Assembly, split, unpack
from hullguard.wire.messages import InventoryPart
from hullguard.wire.violation import Code, Violation

DIGEST = "sha256:" + "a" * 64
OTHER = "sha256:" + "b" * 64


def inventory(packages: int) -> Inventory:
    noise = random.Random(7)
    return Inventory(
        Target("nginx:1", "docker", image_id=DIGEST),
        packages=tuple(
            Package(f"pkg:deb/p{n}@1", PackageType.DEB, f"p{n}", noise.randbytes(100).hex()) for n in range(packages)
        ),
    )


@pytest.mark.parametrize("packages", [0, 3, 12_000])
def test_an_inventory_arrives_whole(packages):
    sent = inventory(packages)
    assembly = Assembly()
    parts = split(DIGEST, sent)
    assert (len(parts) > 1) == (packages > 10_000)
    for part in parts:
        assert len(codec.encode_frame(codec.encode(part))) <= limits.FRAME_BYTES
    *waiting, whole = [assembly.add(part) for part in parts]
    assert waiting == [None] * (len(parts) - 1)
    assert unpack(whole) == sent


def test_an_image_may_begin_anew_and_another_may_follow():
    assembly = Assembly()
    assembly.add(InventoryPart(DIGEST, 0, 3, b"a"))
    assembly.add(InventoryPart(DIGEST, 1, 3, b"b"))
    assert assembly.add(InventoryPart(OTHER, 0, 1, b"c")) == b"c"
    assert assembly.add(InventoryPart(DIGEST, 0, 2, b"x")) is None
    assert assembly.add(InventoryPart(DIGEST, 1, 2, b"y")) == b"xy"


@pytest.mark.parametrize(
    "parts",
    [
        [InventoryPart(DIGEST, 1, 2, b"")],
        [InventoryPart(DIGEST, 0, 3, b""), InventoryPart(DIGEST, 2, 3, b"")],
        [InventoryPart(DIGEST, 0, 2, b""), InventoryPart(OTHER, 1, 2, b"")],
        [InventoryPart(DIGEST, 0, 3, b""), InventoryPart(DIGEST, 1, 1, b"")],
        [InventoryPart(DIGEST, 0, 2, b""), InventoryPart(DIGEST, 1, 2, b""), InventoryPart(DIGEST, 1, 2, b"")],
    ],
)
def test_slices_out_of_order_are_refused(parts):
    assembly = Assembly()
    *good, bad = parts
    for part in good:
        assembly.add(part)
    with pytest.raises(Violation) as refused:
        assembly.add(bad)
    assert refused.value.code == Code.OUT_OF_ORDER


def test_no_more_slices_than_the_bound_can_be_named():
    body = msgspec.msgpack.encode(
        {"type": "inventory", "image_id": DIGEST, "part": 0, "parts": limits.INVENTORY_PARTS + 1, "data": b""}
    )
    with pytest.raises(Violation):
        codec.decode_from_agent(body)


@pytest.mark.parametrize(
    ("packed", "code"),
    [
        (b"", Code.MESSAGE_MALFORMED),
        (b"junk", Code.MESSAGE_MALFORMED),
        (zstandard.ZstdCompressor().compress(b"junk"), Code.MESSAGE_MALFORMED),
        (zstandard.ZstdCompressor().compress(b"\x91" * 100_000), Code.MESSAGE_MALFORMED),
        (zstandard.ZstdCompressor().compress(bytes(limits.INVENTORY_BYTES + 1)), Code.MESSAGE_TOO_LARGE),
    ],
)
def test_a_broken_inventory_is_a_violation(packed, code):
    with pytest.raises(Violation) as refused:
        unpack(packed)
    assert refused.value.code == code


def test_a_truncated_inventory_is_a_violation():
    [part] = split(DIGEST, inventory(50))
    with pytest.raises(Violation):
        unpack(part.data[:-5])


def test_an_inventory_over_the_bound_is_not_sent():
    noise = random.Random(3)
    packages = tuple(Package("p", PackageType.NPM, "n", noise.randbytes(1 << 19).hex()) for _ in range(40))
    with pytest.raises(LimitReached):
        split(DIGEST, Inventory(Target("x", "docker"), packages=packages))


def test_an_inventory_that_packs_well_is_bounded_as_its_reader_bounds_it(monkeypatch):
    monkeypatch.setattr(limits, "INVENTORY_BYTES", 100_000)
    same = tuple(Package("pkg:deb/p@1", PackageType.DEB, "p", "1") for _ in range(10_000))
    with pytest.raises(LimitReached, match="over the bound of 100000; it cannot be reported"):
        split(DIGEST, msgspec.structs.replace(inventory(0), packages=same))


@pytest.mark.parametrize("size", [-1, LAYER_BYTES + 1])
def test_a_size_that_no_layer_has_is_no_inventory(size):
    odd = Inventory(Target("a", "docker", image_id=DIGEST), layers=(Layer("sha256:" + "0" * 64, size=size),))
    with pytest.raises(Violation, match=f"a layer of {size} bytes") as refused:
        unpack(b"".join(part.data for part in split(DIGEST, odd)))
    assert refused.value.refusal is Code.MESSAGE_MALFORMED


def test_one_that_is_nested_too_deeply_is_said_to_be():
    deep = b"\x81\xa4more" + b"\x91" * 100_000 + b"\xc0"
    with pytest.raises(Violation, match=r"^an inventory does not have its form: it is nested too deeply$") as refused:
        unpack(zstandard.ZstdCompressor().compress(deep))
    assert refused.value.refusal is Code.MESSAGE_MALFORMED
