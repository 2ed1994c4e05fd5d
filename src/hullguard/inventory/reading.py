"""The one question of this package: what is inside this image?"""

import itertools
import os
from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple

from msgspec.structs import replace

from hullguard.inventory.analyzers.analyzer import Analyzer, Context, Findings
from hullguard.inventory.analyzers.catalog import ANALYZERS
from hullguard.inventory.analyzers.ownable import loadable_files
from hullguard.inventory.analyzers.provenance import foreign, looked_up
from hullguard.inventory.at_once import READER_ENDED, read_at_once
from hullguard.inventory.cache import LayerCache
from hullguard.inventory.content.catalog import inspectors_of
from hullguard.inventory.defects import analyzed
from hullguard.inventory.deleted_databases import Stack, look
from hullguard.inventory.inspection import Hits
from hullguard.inventory.layer import IndexedLayer, Indexer
from hullguard.inventory.limits import Budget, Limits, reached
from hullguard.inventory.paths import spelled
from hullguard.inventory.quotable import quotable
from hullguard.inventory.source.ahead import Ahead
from hullguard.inventory.source.blobs import PlacedBlobs
from hullguard.inventory.source.documents import ImageConfig
from hullguard.inventory.source.image import Described, history_doubts, layer_facts
from hullguard.inventory.source.mounts import Mounts
from hullguard.inventory.source.opened import Listed, PlainTree, RegistryAccess, Request, Source, StoredImage
from hullguard.inventory.source.reader import LayerReader
from hullguard.inventory.source.remembered import recall, remember
from hullguard.inventory.source.target import parse
from hullguard.inventory.squash import Tree, views
from hullguard.inventory.wanted import Wanted
from hullguard.model.content import Misconfiguration
from hullguard.model.errors import HullguardError, Invalid, LimitReached, NotFound
from hullguard.model.image import Layer, Target
from hullguard.model.inventory import READER, Inventory
from hullguard.model.package import Package, Unknown

Progress = Callable[[str, int], None]
_MOST_READS = 3
"""The first read shows the links, the second what they lead to; the third is for links among that."""
_REST = "the rest of the image"


class _Laid(NamedTuple):
    """Layers over one another: what is seen of them, each by itself, and the limit at which the rest was left out."""

    trees: list[Tree]
    layers: list[IndexedLayer]
    stopped: LimitReached | None


def recognise(target: str, limits: Limits | None = None) -> str | None:
    """The kind of a target, without reading it; raises at once what ``read`` would raise for its words or its file.

    None for a name: which engine has it, or whether a registry does, is known when they are asked.
    """
    source, _ = parse(target, limits or Limits())
    return source.kind or None


def read(
    target: str,
    *,
    limits: Limits | None = None,
    cache: LayerCache | None = None,
    docker_host: str | None = None,
    platform: str | None = None,
    progress: Progress | None = None,
    scanners: frozenset[str] = frozenset(),
    registry: RegistryAccess | None = None,
    all_mounts: bool = False,
    loadables: bool = False,
    licenses: bool = False,
    processes: int = 1,
    ahead: Ahead | None = None,
) -> Inventory:
    """Everything that matching needs to know about an image; it blocks, so servers call it in a thread.

    ``scanners`` names the inspectors that look into files as they pass. ``all_mounts``: whether to read of a directory
    also what other machines and containers have mounted there. ``loadables``: whether to tell of an image which
    programs and shared libraries are whose; only who watches its containers needs them. ``licenses``: whether to read
    also what tells of licences alone; those that stand with a package's name and version are told in any case.
    ``processes``: how many may be made for the layers of one image; more than one only for who has no other thread.
    ``ahead``: hashes what may be layers of the image already; it is given up at the end.

    A limit that is reached gives an inventory that is not ``complete`` and says so in ``unknowns``. Raises
    NotFound, Invalid or Unavailable when there is no such image, or no image at all.
    """
    limits = limits or Limits()
    source, name = parse(target, limits)
    target = spelled(os.fsencode(target))
    request = Request(name, limits, platform, docker_host, registry or RegistryAccess(), all_mounts, loadables)
    with source.open(request) as opened:
        analyzers = _asked(licenses=licenses, tree=isinstance(opened, PlainTree))
        inspectors = inspectors_of(scanners)
        for inspector in inspectors:
            inspector.bind(limits)
        reader = LayerReader(
            Wanted(analyzers, inspectors=inspectors), Budget(limits), cache, progress, processes=processes
        )
        if isinstance(opened, PlainTree):
            return quotable(_tree(target, source, opened, reader))
        if isinstance(opened, Listed):
            return quotable(_listed(Target(target, source.kind), opened))
        return quotable(_stored(target, source, opened, request, reader, ahead))


def _asked(*, licenses: bool, tree: bool) -> list[Analyzer]:
    return [
        each
        for each in ANALYZERS
        if not (each.images_only if tree else each.trees_only) and (licenses or not each.for_licenses)
    ]


def _tree(target: str, source: Source, opened: PlainTree, reader: LayerReader) -> Inventory:
    """A plain tree is one layer without an identity."""
    from hullguard.inventory.source.cargo import Cargo
    from hullguard.inventory.source.directory import TreeWalk

    mounts, cargo = Mounts(every=opened.all_mounts), Cargo()

    def index(wanted: Wanted) -> tuple[list[IndexedLayer], LimitReached | None]:
        indexer = Indexer(wanted, Budget(reader.budget.limits), str(opened.root))
        walk, stopped = TreeWalk(indexer, opened.root, mounts, reader.progress, cargo), None
        try:
            walk.run()
        except LimitReached as limit:
            stopped = limit
        return [IndexedLayer(indexer.finish(), "", "", 0)], stopped

    laid = _laid(*index(reader.wanted), reader, index)
    inventory = _inventory(Target(target, source.kind), (), laid, reader=reader)
    unknowns = [*inventory.unknowns, *cargo.unknowns(alone=inventory.os is None and not inventory.packages)]
    if inventory.os is None and (
        lost := laid.trees[0].dangling()
    ):  # a system may have such; of a project they are a part
        why = f"a link that leads out of the directory, or nowhere; it and {len(lost) - 1} others were not followed"
        unknowns.append(Unknown(lost[0], why, incomplete=True))
    return replace(inventory, unknowns=tuple(unknowns), complete=_complete(unknowns))


def _listed(target: Target, listed: Listed) -> Inventory:
    packages, unknowns = _once(list(listed.packages)), tuple(listed.unknowns)
    return Inventory(
        target, listed.os, packages=packages, unknowns=unknowns, complete=_complete(unknowns), reader=READER
    )


def _stored(  # noqa: PLR0917 - what is read, of whom, by whom
    target: str, source: Source, image: StoredImage, request: Request, reader: LayerReader, ahead: Ahead | None
) -> Inventory:
    """An image, for which its layers are taken for what they are called as long as it takes to hash them."""
    with ahead or Ahead() as hashing:
        if reader.processes < 2 or image.identity is not None:
            hashing.stop()  # what an engine keeps is known by what was computed of all of it
            return _image(target, source, image, request, reader)
        try:
            inventory = _image(target, source, image, request, reader.hashing(hashing))
            if hashing.kept():
                return inventory
        except HullguardError as error:
            if not hashing.processes or error.code == READER_ENDED:
                raise
    return _image(target, source, image, request, reader.anew())


def _image(target: str, source: Source, image: StoredImage, request: Request, reader: LayerReader) -> Inventory:
    stopped: LimitReached | None = None
    known = recall(image.identity, reader) if image.identity and request.platform is None else None
    if known is not None:
        described, layers = known
    else:
        try:
            described = image.described(request, reader)
        except (Invalid, NotFound):
            if image.blobs.stopped is None:
                raise
            # The manifest stands behind the limit: what was read is reported in the order in which it lay there.
            return _unnamed(target, source, image.blobs.found(), image.blobs.stopped, reader)
        layers, stopped = _layers(image, described, reader)
        # An engine's word is not enough: what it gave may be another image than it named.
        if image.identity == described.image_id and stopped is None and _complete(described.unknowns):
            remember(image.identity, described.document, layers, reader)

    def again(wanted: Wanted) -> tuple[list[IndexedLayer], LimitReached | None]:
        other = reader.again(wanted)
        return _layers(image, image.described(request, other), other)  # a recalled image knows no places in the archive

    laid = _laid(layers, stopped, reader, again)
    facts = layer_facts(described.config, [(layer.diff_id, layer.digest, layer.size) for layer in laid.layers])
    about = Target(
        ref=target,
        kind=source.kind,
        image_id=described.image_id,
        digest=described.digest,
        platform=str(described.platform) or None,
        tags=tuple(image.tags) if image.tags is not None else described.tags,
    )
    careless, doubts = _careless(described.config, reader)
    others = (each.unknown for each in image.elsewhere if each.image_id != described.image_id)
    before = (*image.doubts, *others, *described.unknowns, *history_doubts(described.config))
    inventory = _inventory(about, facts, laid, before, doubts, reader=reader, loadables=request.loadables)
    return replace(inventory, config=(*careless, *inventory.config))


def _careless(config: ImageConfig, reader: LayerReader) -> tuple[list[Misconfiguration], list[Unknown]]:
    """What the image's own configuration says against it, where that was asked for, and what of it nobody can judge."""
    if all(inspector.name != "config" for inspector in reader.wanted.inspectors):
        return [], []
    from hullguard.inventory.content.image_config import check

    found = list(check(config))
    unknowns = [one for one in found if isinstance(one, Unknown)]
    careless = [one for one in found if isinstance(one, Misconfiguration)]
    most = reader.budget.limits.hits
    if len(careless) > most:
        why = f"image configuration: {len(careless) - most} were left out"
        unknowns.append(Unknown("more config findings", why, incomplete=True))
    return careless[:most], unknowns


def _unnamed(
    target: str, source: Source, layers: list[IndexedLayer], stopped: LimitReached, reader: LayerReader
) -> Inventory:
    trees = views([layer.index for layer in layers], reader.wanted, reader.budget.limits)
    facts = tuple(Layer(layer.diff_id, layer.digest, layer.size) for layer in layers)
    return _inventory(Target(target, source.kind), facts, _Laid(trees, layers, stopped), reader=reader)


def _laid(
    layers: list[IndexedLayer],
    stopped: LimitReached | None,
    reader: LayerReader,
    again: Callable[[Wanted], tuple[list[IndexedLayer], LimitReached | None]],
) -> _Laid:
    """The layers over one another, read again where links lead from wanted names to files that were not read."""
    wanted, limits = reader.wanted, reader.budget.limits
    trees = views([layer.index for layer in layers], wanted, limits)
    for read in range(1, _MOST_READS + 1):
        missing = set[tuple[str, str]]().union(*(tree.missing() for tree in trees))
        if not missing or stopped is not None or any(tree.stopped for tree in trees):
            break
        if read == _MOST_READS:
            sentence = "links still lead from the places of packages to other files after {limit} reads"
            stopped = reached(sentence, "reads", _MOST_READS)
            break
        wanted = wanted.with_aliases(sorted(missing))
        layers, stopped = again(wanted)
        trees = views([layer.index for layer in layers], wanted, limits)
    return _Laid(trees, layers, stopped)


def _layers(
    image: StoredImage, described: Described, reader: LayerReader
) -> tuple[list[IndexedLayer], LimitReached | None]:
    if isinstance(image.blobs, PlacedBlobs):
        if (at_once := read_at_once(image.blobs, described.layers, reader)) is not None:
            return at_once, image.blobs.stopped
        reader = reader.careful()
    layers: list[IndexedLayer] = []
    for blob in described.layers:
        try:
            layer = image.blobs.layer(blob, reader)
        except LimitReached as limit:
            return layers, limit
        layers.append(layer)
        if layer.stopped is not None:
            return layers, layer.stopped
    # What stands behind the end that a limit made of an archive may take the place of what was read.
    return layers, image.blobs.stopped


def _inventory(
    target: Target,
    layers: tuple[Layer, ...],
    laid: _Laid,
    before: Sequence[Unknown] = (),
    behind: Sequence[Unknown] = (),
    *,
    reader: LayerReader,
    loadables: bool = False,
) -> Inventory:
    """``before`` and ``behind``: what the image itself leaves open, around what its layers do."""
    trees, stopped = laid.trees, laid.stopped
    analyzers, limits = reader.wanted.analyzers, reader.budget.limits
    licenses = any(analyzer.for_licenses for analyzer in analyzers)
    names = tuple(layer.diff_id for layer in layers) or (None,)
    found, seen = Findings(unknowns=[*before, *_said(laid.layers), *behind]), set[tuple[object, ...]]()
    for tree in trees:
        own = Findings(unknowns=tree.unknowns())
        context = Context(
            layers=names, room=limits.packages, packages=own.packages, licenses=licenses, reals=tree.reals
        )
        for analyzer in analyzers:
            _take(analyzed(analyzer, tree, context), own, context)
        own.unknowns += (*context.doubts(), *foreign(context.distribution, own.packages), *looked_up(context))
        seen.add((own.os, frozenset(own.packages)))
        _take(own, found, context)
    if len(seen) > 1:
        why = (
            "a layer writes through a link of a lower one: some engines follow it, those that use overlayfs put a "
            "directory in its place; what either sees was read"
        )
        found.unknowns.append(Unknown("links", why))
    # Analyzers follow links too, so that only now it is certain that no limit was met.
    stopped = stopped or next((tree.stopped for tree in trees if tree.stopped is not None), None)
    if stopped is not None:
        found.unknowns.append(Unknown(_REST, str(stopped), incomplete=True))
    indexes = [layer.index for layer in laid.layers] if stopped is None else []
    room = limits.packages - len(found.packages)
    look(Stack(indexes, reader.wanted, limits), found, Context(layers=names, room=room, licenses=licenses))
    if found.left_out:
        why = f"the image names more than {limits.packages} packages; {found.left_out} were left out"
        found.unknowns.append(Unknown(_REST, why, incomplete=True))
    if found.unsaid:
        why = f"{found.unsaid} more things could not be decided"
        found.unknowns.append(Unknown("more of this kind", why, incomplete=True))
    hits = _hits(trees, names)
    return Inventory(
        target=target,
        os=found.os,
        layers=layers,
        packages=_once(found.packages),
        unknowns=tuple(found.unknowns),
        complete=_complete(found.unknowns),
        secrets=tuple(hits.secrets),
        malware=tuple(hits.malware),
        config=tuple(hits.config),
        loadable=loadable_files(found.listed) if loadables else {},
        reader=READER,
    )


def _take(findings: Findings, found: Findings, context: Context) -> None:
    """Adds what one analyzer found to what others did, for those that come after it."""
    found.os = found.os or findings.os
    found.packages += findings.packages
    found.unknowns += findings.unknowns
    found.left_out += findings.left_out
    found.unsaid += findings.unsaid
    found.listed += findings.listed
    for path, claim in findings.owned.items():
        context.owned[path] = claim.joined(context.owned.get(path))
    context.unlisted |= findings.unlisted
    context.unshown |= findings.unshown
    context.apart |= findings.apart
    context.room -= len(findings.packages)


def _hits(trees: Sequence[Tree], layers: Sequence[str | None]) -> Hits:
    """What inspectors said, with the layer filled in.

    A secret that a later layer deletes is still in the image; a careless mode that it corrects is not.
    """
    found = Hits()
    for seen in itertools.zip_longest(*(tree.hits() for tree in trees)):
        hit, number, _ = next(said for said in seen if said is not None)
        hidden = all(said[2] for said in seen if said is not None)
        if not isinstance(hit, Misconfiguration):
            found.add(replace(hit, layer=layers[number], deleted=hidden))
        elif not hidden:
            found.add(replace(hit, layer=layers[number]))
    return found


def _once(packages: list[Package]) -> tuple[Package, ...]:
    """One entry for a package that one layer brought to several places."""
    places: dict[tuple[str, str | None], set[str]] = {}
    first: dict[tuple[str, str | None], Package] = {}
    for package in packages:
        key = (package.purl, package.layer)
        first.setdefault(key, package)
        places.setdefault(key, set()).update(package.locations)
    merged = [
        package if len(places[key]) == 1 else replace(package, locations=tuple(sorted(places[key])))
        for key, package in first.items()
    ]
    return tuple(sorted(merged, key=lambda package: (package.purl, package.layer or "")))


def _complete(unknowns: Iterable[Unknown]) -> bool:
    return not any(unknown.incomplete for unknown in unknowns)


def _said(layers: Sequence[IndexedLayer]) -> list[Unknown]:
    return [unknown for number, layer in enumerate(layers, 1) for unknown in layer.said(number)]
