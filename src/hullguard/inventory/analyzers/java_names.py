"""What a Java archive without Maven's properties is called: by its manifest, the name of its file, and where it lies.

A group is never guessed from a package's name alone, but for families whose archives never state it.
"""

import re
from collections.abc import Collection, Mapping, Sequence

_WORD = re.compile(r"[A-Za-z_][\w.-]*")

# Patterns of what few images hold are not compiled before they are asked for.
# Builds that leave no Maven properties in their archives and no group in the manifest.
_FAMILIES = (
    (r"spring-boot(?:-[a-z-]+)?", "org.springframework.boot"),
    (r"spring-security-[a-z0-9-]+", "org.springframework.security"),
    (
        (
            r"spring-(?:aop|aspects|beans|context|context-support|core|expression|jcl|jdbc|jms|messaging|orm|oxm|tx|web"
            r"|webflux|webmvc|websocket)"
        ),
        "org.springframework",
    ),
    (r"tomcat-embed-[a-z]+", "org.apache.tomcat.embed"),
    (r"kotlin-(?:stdlib|reflect)(?:-[a-z0-9]+)?", "org.jetbrains.kotlin"),
    (r"micrometer-[a-z-]+", "io.micrometer"),
    (r"reactor-core", "io.projectreactor"),
    (r"reactor-netty(?:-[a-z]+)?", "io.projectreactor.netty"),
    (r"okhttp", "com.squareup.okhttp3"),
    (r"okio(?:-jvm)?", "com.squareup.okio"),
    (r"snakeyaml", "org.yaml"),
    (r"hibernate-core", "org.hibernate.orm"),
    (r"asm(?:-[a-z]+)?", "org.ow2.asm"),
    (r"jna(?:-platform)?", "net.java.dev.jna"),
    (r"velocity(?:-tools)?", "org.apache.velocity"),
    (r"ant(?:-launcher)?", "org.apache.ant"),
    (r"mysql-connector-java", "mysql"),
    (r"dom4j", "org.dom4j"),
    *(
        (name, name)
        for name in (
            "commons-beanutils",
            "commons-chain",
            "commons-collections",
            "commons-digester",
            "commons-fileupload",
            "commons-httpclient",
            "commons-lang",
            "commons-logging",
        )
    ),
)
# Groups that they had before a version.
_BEFORE = (
    (r"hibernate-core", (6, 0), "org.hibernate"),
    (r"okhttp", (3, 0), "com.squareup.okhttp"),
    (r"asm(?:-[a-z]+)?", (4, 0), "asm"),
    (r"dom4j", (2, 0), "dom4j"),
    (r"velocity", (1, 5), "velocity"),
    (r"ant(?:-launcher)?", (1, 7), "ant"),
    (r"reactor-core", (2, 0), "org.projectreactor"),
)
_PART = r"[a-z][a-z0-9-]{0,40}"
SERVER = "org.apache.tomcat:tomcat-catalina"
_LONGEST = 300
"""Characters of a version."""
_VERSION = r"\d[\w.+-]*"
_BUILD_OF_KOTLIN = r"-release-\d+(?:\([^()]*\))?\Z"
# Where Maven, Coursier and Gradle keep what they fetched, the directories say it all; those of Ivy and Grape the group.
_FETCHED = (
    r"(?:.*/)?(?:repository|maven2)/(?P<group>[^/]+(?:/[^/]+)*)/(?P<artifact>[^/]+)/(?P<version>[^/]+)/(?P<base>[^/]+)",
    r"(?:.*/)?files-2\.1/(?P<group>[^/]+)/(?P<artifact>[^/]+)/(?P<version>[^/]+)/[0-9a-f]+/(?P<base>[^/]+)",
    (
        r"(?:.*/)?(?:\.?ivy2?/cache|grapes)/(?P<group>[^/]+)/(?P<artifact>[^/]+)/(?:jars|bundles)"
        r"/(?P<base>(?P=artifact)-(?P<version>\d[^/]*)\.jar)"
    ),
)

# Organisations so large that none of their artifacts has just their name as its group.
_ROOFS = frozenset({"org.apache", "org.eclipse", "com.sun", "com.google", "com.oracle"})


def is_one_of(poms: Sequence[Mapping[str, str]], artifact: str | None, bare: str, manifest: Mapping[str, str]) -> bool:
    """Whether the archive is one of those that it has Maven's properties of; else all of them were packed into it.

    One that is called otherwise, without a version in its name, as applications are, may be any of them, but for one
    whose manifest has another version than all of them; or of several, one without a manifest, as some builds leave it.
    """
    # Quarkus puts the group before the name: ``io.vertx.vertx-core-4.0.0.jar``.
    if any((artifact or bare) in (pom["artifactId"], f"{pom['groupId']}.{pom['artifactId']}") for pom in poms):
        return True
    version = manifest.get("Implementation-Version", "")
    other = re.fullmatch(_VERSION, version) is not None and all(pom["version"] != version for pom in poms)
    return artifact is None and (bool(manifest) or len(poms) == 1) and not other


def told(manifest: Mapping[str, str], artifact: str | None, version: str | None, bare: str) -> tuple[str, str] | None:
    """Maven's name and the version, where the manifest and the file's name state them together."""
    if prefixed := _prefixed(artifact, version):
        return prefixed
    symbolic = manifest.get("Bundle-SymbolicName", "").partition(";")[0].strip()
    title = manifest.get("Implementation-Title", "")
    # Titles are also written in capitals, or without the release of Scala.
    if bare[: len(title)].lower() == title.lower() and re.fullmatch(r"(?:_\d[\d.]*)?", bare[len(title) :]):
        title = bare
    name = artifact or (title if _WORD.fullmatch(title) else None)
    version = version or manifest.get("Implementation-Version") or manifest.get("Bundle-Version")
    version = version and re.sub(_BUILD_OF_KOTLIN, "", version)
    if not name or not version or " " in version:
        return None
    vendor = manifest.get("Implementation-Vendor-Id", "")
    vendor = vendor if _WORD.fullmatch(vendor) and vendor not in _ROOFS else ""
    group = _family(name, version) or vendor or _group(symbolic, name)
    # Quarkus again, where the manifest states the group.
    return (f"{group}:{name.removeprefix(f'{group}.')}", version) if group else None


def contradicted(manifest: Mapping[str, str], version: str) -> str:
    """The version that the manifest has instead of the file's name, empty where neither says anything else.

    One may say more than the other: ``4.1.77.Final`` and ``4.1.77``. Manifests were left as they are where a version
    was raised: that of dom4j 1.1 says 1.2, and that of commons-beanutils 1.7.0 says 1.6.
    """
    stated = re.sub(_BUILD_OF_KOTLIN, "", manifest.get("Implementation-Version", ""))
    if len(stated) > _LONGEST or re.fullmatch(_VERSION, stated) is None:
        return ""
    shorter, longer = sorted((stated, version), key=len)
    return "" if longer.startswith(shorter) and longer[len(shorter) :][:1] in ("", ".", "-", "+", "_") else stated


def fetched(path: str) -> tuple[str, str] | None:
    """Maven's name and the version by the place in a cache of a tool that builds."""
    for pattern in _FETCHED:
        found = re.fullmatch(pattern, path)
        if found and found["base"] == f"{found['artifact']}-{found['version']}.jar":
            return f"{found['group'].replace('/', '.')}:{found['artifact']}", found["version"]
    return None


def described(places: Collection[tuple[str, str]], artifact: str | None, version: str | None) -> tuple[str, str] | None:
    """Maven's name and the version of an archive that has a project file of Maven without properties beside it.

    The directories in which that lies are group and name; ``places`` are those of all that the archive has.
    """
    groups = [group for group, name in places if name == artifact]
    return (f"{groups[0]}:{artifact}", version) if len(groups) == 1 and version else None


def tomcat(manifest: Mapping[str, str], stem: str) -> tuple[str, str] | None:
    """Of the server's own archives, some of which have no more than a title: Maven's name and the version."""
    version = manifest.get("Implementation-Version", "")
    titled = manifest.get("Implementation-Title") == "Apache Tomcat" and re.fullmatch(_VERSION, version)
    part = stem.removesuffix(f"-{version}").removeprefix("tomcat-")
    if not titled or part.startswith("embed-") or not re.fullmatch(_PART, part):
        return None
    return f"org.apache.tomcat:tomcat-{part}", version


def _prefixed(artifact: str | None, version: str | None) -> tuple[str, str] | None:
    """Of ``com.squareup.okhttp3.okhttp`` the group and the name, where the name is known to be of that group."""
    if not artifact or not version or "." not in artifact:
        return None
    for dot in re.finditer(r"\.", artifact):
        group, name = artifact[: dot.start()], artifact[dot.end() :]
        if _family(name, version) == group:
            return f"{group}:{name}", version
    return None


def jenkins_plugin(manifest: Mapping[str, str]) -> tuple[str, str] | None:
    """Maven's name and the version as tools that build plugins of Jenkins write them, some with who built it behind."""
    group, name, version = (manifest.get(key, "") for key in ("Group-Id", "Short-Name", "Plugin-Version"))
    version = version.partition(" ")[0]
    stated = _WORD.fullmatch(group) and _WORD.fullmatch(name) and re.fullmatch(_VERSION, version)
    return (f"{group}:{name}", version) if stated else None


def _family(artifact: str, version: str) -> str | None:
    found = next((group for pattern, group in _FAMILIES if re.fullmatch(pattern, artifact)), None)
    numbers = re.match(r"(\d{1,9})(?:\.(\d{1,9}))?", version) if found else None
    if numbers is None:
        return found
    number = int(numbers[1]), int(numbers[2] or 0)
    earlier = (group for pattern, first, group in _BEFORE if number < first and re.fullmatch(pattern, artifact))
    return next(earlier, found)


def _group(symbolic: str, artifact: str) -> str | None:
    """Undoes how Maven's bundle plug-in makes a symbolic name, where only one group can have led to it.

    It joins group and artifact, and leaves out the artifact's first word when the group ends in it:
    ``org.apache.commons`` and ``commons-lang3`` give ``org.apache.commons.lang3``.
    """
    first, dash, rest = artifact.partition("-")
    group = symbolic.removesuffix(f".{rest}")
    if dash and group != symbolic and group.rpartition(".")[2] == first:
        return group
    group = symbolic.removesuffix(f".{artifact}")
    if dash and group != symbolic and "." in group:
        return group
    return None


def licenses_of(manifest: Mapping[str, str]) -> tuple[str, ...]:
    stated = manifest.get("Bundle-License", "").partition(";")[0].strip().strip('"')
    return (stated[:300],) if stated and "," not in stated else ()
