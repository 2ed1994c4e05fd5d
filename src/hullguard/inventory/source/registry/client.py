"""Questions to one registry about one repository: signed in when asked to, patient, and bounded in every answer."""

import dataclasses
import random
import ssl
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Self, TypeAlias
from urllib.parse import urlencode, urljoin, urlsplit

import msgspec

from hullguard.inventory.source.opened import RegistryAccess
from hullguard.inventory.source.registry import trust
from hullguard.inventory.source.registry.answers import (
    OF_NO_KNOWN_AUTHORITY,
    bounded,
    final,
    header_lines,
    plainly,
    reason,
    retry_after,
    said,
    worded,
)
from hullguard.inventory.source.registry.challenge import Challenge, parse_challenges, parse_token
from hullguard.inventory.source.registry.credentials import Credentials, Known, look_up
from hullguard.inventory.source.registry.proxies import masked, proxy_for
from hullguard.inventory.source.registry.reference import Reference, hostname, origin
from hullguard.inventory.source.registry.standing import SIGN_INS, Standing
from hullguard.model.errors import Denied, HullguardError, Invalid, NotFound, Unauthenticated, Unavailable

if TYPE_CHECKING:
    from urllib3 import BaseHTTPResponse, PoolManager

    from hullguard.net.allowed import Refuses
    from hullguard.net.pace import Pace

    _Pools: TypeAlias = dict[tuple[str, bool, Refuses | None], PoolManager]

CONNECT_SECONDS = 15.0
READ_SECONDS = 60.0
_ATTEMPTS = 6
_PATIENCE_SECONDS = 300.0
"""All waiting of one scan together: after that the registry is told to be unavailable."""
_SHORT_PATIENCE_SECONDS = 30.0
"""The same where others wait for their turn."""
_REDIRECTS = 5
_CLIENT = "hullguard"
_MAX_SMALL = 1 << 20
_NOT_ADMITTED = frozenset({401, 403})
_AGAIN = frozenset({429, 500, 502, 503, 504})
_MOVED = frozenset({301, 302, 303, 307, 308})


class Client:
    """GET and HEAD only: nothing here can change a registry."""

    def __init__(
        self,
        reference: Reference,
        access: RegistryAccess,
        pools: "_Pools | None" = None,
        standing: Standing | None = None,
    ) -> None:
        self._reference = reference
        self._access = access
        self._pools: _Pools = {} if pools is None else pools
        """By proxy, whether they lead to the registry itself, which alone may have the certificates noted for it, and
        by where they must not lead."""
        self._standing = standing or Standing(admitted=access.admitted)
        self._scheme: str | None = None
        self._authorization: str | None = None
        self._known: Known | None = None
        self._waited = 0.0

    @property
    def host(self) -> str:
        """Where it asks."""
        return self._reference.api_host

    def about(self, repository: str) -> Self:
        """Of another repository of the same registry, over the same connections; they are closed with this one."""
        about = dataclasses.replace(self._reference, repository=repository)
        return type(self)(about, self._access, self._pools, self._standing)

    def close(self) -> None:
        for pool in self._pools.values():
            pool.clear()

    def document(self, path: str, limit: int, accept: str = "*/*") -> tuple[bytes, Mapping[str, str]]:
        """A small answer as a whole, with its headers; one that breaks off is asked for again."""
        from urllib3.exceptions import HTTPError

        for attempt in range(1, _ATTEMPTS):
            answer = self._get(path, {"Accept": accept})
            began = time.monotonic()
            try:
                return bounded(answer, self.pace(), limit, path), answer.headers
            except HTTPError as cause:
                answer.close()
                if attempt == _ATTEMPTS - 1 or self._out_of_patience(began):
                    raise self._unreachable(cause) from cause
                self.pause(attempt)
        raise AssertionError  # the last attempt returned or raised

    def headers(self, path: str, accept: str) -> Mapping[str, str]:
        """Those that a document would come with."""
        answer = self._get(path, {"Accept": accept}, "HEAD")
        answer.release_conn()  # there is nothing to be read, and the next question goes the same way
        return answer.headers

    def blob(self, digest: str, offset: int = 0) -> "BaseHTTPResponse":
        """The body of a blob, from ``offset`` on if the registry knows ranges: then its status is 206."""
        ranged = {"Range": f"bytes={offset}-"} if offset else {}
        return self._get(f"blobs/{digest}", ranged)

    def pause(self, attempt: int, asked: float | None = None) -> None:
        """Waits before another attempt: as long as the registry asks, else longer each time."""
        seconds = asked if asked is not None else min(0.25 * 2**attempt, 30.0) * random.uniform(0.75, 1.25)  # noqa: S311
        if self._waited + seconds > (_SHORT_PATIENCE_SECONDS if self._access.for_others else _PATIENCE_SECONDS):
            sentence = f"the registry {self._reference.host} asks to wait {seconds:.0f} s; try again later"
            raise Unavailable(sentence, "registry.busy", retry_after=int(seconds))
        self._waited += seconds
        time.sleep(seconds)

    def _out_of_patience(self, began: float) -> bool:
        """Whether others have waited long enough: an attempt that hung was waiting as much as a pause is."""
        if self._access.once or not self._access.for_others:
            return self._access.once
        self._waited += time.monotonic() - began
        return self._waited > _SHORT_PATIENCE_SECONDS

    def signs_in(self) -> bool:
        """Whether the registry wanted to know who asks, and admits that one; raises why it does not.

        ``/v2/`` is for that ("Determining Support"), and a token for it is asked for without any right.
        """
        answer = self._signed("GET", f"{self._base()}/v2/", {}, "")
        answer.close()
        if answer.status in _NOT_ADMITTED:
            raise self._not_admitted(said(answer))
        signed_in = answer.status == HTTPStatus.OK and self._authorization is not None
        if signed_in:
            self._standing.admitted(by_name=self._by_name, attempt=1)
        return signed_in

    def _get(self, path: str, headers: dict[str, str], method: str = "GET") -> "BaseHTTPResponse":
        name = self._reference.repository
        url = "/".join(part for part in (f"{self._base()}/v2", name, path) if part)
        right = f"repository:{name}:pull" if name else "registry:catalog:*"
        answer = self._renewed(method, url, {**headers, "Accept-Encoding": "identity"}, right)
        if answer.status not in (HTTPStatus.OK, HTTPStatus.PARTIAL_CONTENT):
            raise self._refusal(answer, path)
        return answer

    def _renewed(self, method: str, url: str, headers: dict[str, str], right: str) -> "BaseHTTPResponse":
        """What it answers; if it refuses whom it admitted before, it is asked again with a new token."""
        for attempt in range(1, SIGN_INS + 1):
            try:
                answer = self._signed(method, url, headers, right)
            except Unauthenticated:
                if not self._standing.may_not_mean_it(by_name=self._by_name, attempt=attempt):
                    raise
            else:
                if answer.status not in _NOT_ADMITTED:
                    self._standing.admitted(by_name=self._by_name, attempt=attempt)
                    return answer
                if not self._standing.may_not_mean_it(by_name=self._by_name, attempt=attempt):
                    return answer
                answer.close()
            self._authorization = None  # with a new token
            self.pause(attempt)
        raise AssertionError  # the last attempt returned or raised

    @property
    def _by_name(self) -> bool:
        """Whether more than an anonymous guest's token stands behind what is asked, once it is known who asks."""
        return self._known is not None and self._known.credentials is not None

    def _signed(self, method: str, url: str, headers: dict[str, str], right: str) -> "BaseHTTPResponse":
        """What it answers to who has said who that is, if it wants to know; ``right`` unless it names another."""
        answer = self._follow(method, url, headers)
        if answer.status != HTTPStatus.UNAUTHORIZED:
            return answer
        challenges = parse_challenges(header_lines(answer, "WWW-Authenticate"))
        answer.close()
        self._authorization = None  # an expired token is not sent to get a new one
        self._authorization = self._answered(challenges, right)
        return self._follow(method, url, headers)

    def _base(self) -> str:
        if self._scheme is None:
            self._scheme = "http" if self._access.insecure else "https"
            plain = self._access.insecure or self._access.for_others  # a server uses TLS unless it is told not to
            if self._reference.loopback and not plain and not self._speaks_tls():
                self._scheme = "http"  # as Docker does: what never leaves the machine may go in the clear
        return f"{self._scheme}://{self._reference.api_host}"

    def _speaks_tls(self) -> bool:
        from urllib3.exceptions import HTTPError

        try:
            self._send("GET", f"https://{self._reference.api_host}/v2/", {}).close()
        except HTTPError as cause:
            return any(isinstance(reason, ssl.SSLCertVerificationError) for reason in cause.args)
        return True

    def _follow(self, method: str, url: str, headers: dict[str, str]) -> "BaseHTTPResponse":
        """Follows redirects by hand: the Authorization header stays with the registry, and https stays https."""
        own = origin(url)
        for _ in range(_REDIRECTS + 1):
            signed = {"Authorization": self._authorization} if self._authorization and origin(url) == own else {}
            answer = self._patiently(method, url, {**headers, **signed})
            if answer.status not in _MOVED:
                return answer
            answer.close()
            target = self._address(answer.headers.get("Location", ""), url)
            if urlsplit(target).scheme != "https" and (self._scheme != "http" or urlsplit(target).scheme != "http"):
                raise Unavailable(f"the registry {self._reference.host} leads from https to something else")
            url = target
        raise Unavailable(f"the registry {self._reference.host} leads from one address to the next without end")

    def _address(self, said: str, base: str = "") -> str:
        """An address that an answer names, perhaps relative to the one that gave it."""
        try:
            return urlsplit(urljoin(base, said)).geturl()
        except ValueError as cause:
            sentence = f"the registry {self._reference.host} leads to no address: {said[:200]!r}"
            raise Unavailable(sentence, "registry.no-address") from cause

    def _patiently(
        self, method: str, url: str, headers: dict[str, str], body: bytes | None = None
    ) -> "BaseHTTPResponse":
        from urllib3.exceptions import HTTPError, LocationParseError

        for attempt in range(1, _ATTEMPTS + 1):
            wait = None
            began = time.monotonic()
            try:
                answer = self._send(method, url, headers, body)
            except LocationParseError as cause:
                raise Unavailable(f"the registry {self._reference.host} leads to no address: {cause}") from cause
            except HTTPError as cause:
                if attempt == _ATTEMPTS or final(cause) or self._out_of_patience(began):
                    raise self._unreachable(cause) from cause
            else:
                if answer.status not in _AGAIN or attempt == _ATTEMPTS or self._access.once:
                    return answer
                wait = retry_after(answer.headers.get("Retry-After", ""))
                answer.close()
            self.pause(attempt, wait)
        raise AssertionError  # the last attempt returned or raised

    def _send(self, method: str, url: str, headers: dict[str, str], body: bytes | None = None) -> "BaseHTTPResponse":
        pool = self._pool(url)
        sent = {"User-Agent": _CLIENT, **headers}
        return pool.request(method, url, headers=sent, body=body, redirect=False, retries=False, preload_content=False)

    def pace(self) -> "Pace":
        """How fast this registry must give one thing: of many small answers each waits for the next question."""
        from hullguard.net.pace import Pace

        return Pace(f"the registry {self._reference.host}")

    def _pool(self, url: str) -> "PoolManager":
        from urllib3 import Timeout
        from urllib3.exceptions import LocationParseError, ProxySchemeUnknown

        from hullguard.net.connections import connections

        parts = urlsplit(url)
        proxy = proxy_for(url)
        own = parts.netloc == self._reference.api_host
        refuses = self._refuses(parts.hostname or "")
        if (proxy, own, refuses) not in self._pools:
            context = None
            if parts.scheme == "https" and self._access.ca_file is not None:
                context = trust.named(self._access.ca_file)
            elif parts.scheme == "https" and self._access.ca is not None:
                context = trust.given(self._access.ca)
            elif parts.scheme == "https" and own and not self._access.for_others:
                context = trust.noted(self._reference.host)
            try:
                timeout = Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
                self._pools[proxy, own, refuses] = connections(proxy, refuses, timeout=timeout, ssl_context=context)
            except (LocationParseError, ProxySchemeUnknown) as cause:
                sentence = f"the proxy of {parts.scheme.upper()}_PROXY is no address of an HTTP proxy: {masked(proxy)}"
                raise Invalid(sentence, "registry.proxy") from cause
        return self._pools[proxy, own, refuses]

    def _refuses(self, name: str) -> "Refuses | None":
        """To which addresses a name must not lead; raises Unavailable where it is such a one itself."""
        from hullguard.net.allowed import link_local, link_local_or_own

        if not self._access.for_others:
            return None
        mine = name == hostname(self._reference.api_host) or self._reference.loopback
        refuses = link_local if mine else link_local_or_own
        if refuses(name):
            sentence = f"the registry {self._reference.host} leads to {name}, where nothing is asked from here"
            raise Unavailable(sentence, "registry.forbidden-address")
        return refuses

    def _answered(self, challenges: list[Challenge], right: str) -> str:
        """The Authorization header that answers the first challenge that can be answered."""
        self._known = self._known or look_up(self._reference, self._access)
        credentials = self._known.credentials
        for challenge in challenges:
            if challenge.scheme == "bearer":
                return f"Bearer {self._token(challenge, credentials, right)}"
            if challenge.scheme == "basic" and credentials is not None and credentials.username:
                return credentials.basic
        raise self._not_admitted("it asks for a name and a password" if challenges else "it does not say what it wants")

    def _token(self, challenge: Challenge, credentials: Credentials | None, right: str) -> str:
        if credentials is not None and credentials.registry_token:
            return parse_token(msgspec.json.encode({"token": credentials.registry_token}), "the Docker configuration")
        realm = self._address(challenge.parameters.get("realm", ""))
        if urlsplit(realm).scheme not in ("http", "https"):
            raise Unavailable(f"the registry {self._reference.host} names no place for its tokens: {realm[:200]!r}")
        scope = challenge.parameters.get("scope") or right
        asked = {"service": challenge.parameters.get("service", ""), **({"scope": scope} if scope else {})}
        if credentials is not None:
            self._check_realm(realm)
        if credentials is not None and credentials.identity_token:
            form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": credentials.identity_token}
            sent = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._patiently("POST", realm, sent, urlencode({**asked, **form}).encode())
        else:
            url = realm + ("&" if urlsplit(realm).query else "?") + urlencode(asked)
            answer = self._patiently("GET", url, {"Authorization": credentials.basic} if credentials else {})
        if answer.status != HTTPStatus.OK:
            raise self._not_admitted(f"its token server says {said(answer)}")
        return parse_token(self._small(answer, realm), realm)

    def _check_realm(self, realm: str) -> None:
        """Credentials travel encrypted, or to the host that the user chose to reach in the clear."""
        own = urlsplit(self._base())
        foreign = urlsplit(realm)
        if foreign.scheme == "https" or (own.scheme == "http" and own.hostname == foreign.hostname):
            return
        sentence = f"the registry {self._reference.host} wants credentials sent unencrypted to {realm[:200]}; refused"
        raise Unavailable(sentence, "registry.unsafe-realm")

    def _small(self, answer: "BaseHTTPResponse", what: str) -> bytes:
        from urllib3.exceptions import HTTPError

        try:
            return bounded(answer, self.pace(), _MAX_SMALL, what)
        except HTTPError as cause:
            raise self._unreachable(cause) from cause

    def _refusal(self, answer: "BaseHTTPResponse", path: str) -> HullguardError:
        host, status = self._reference.host, answer.status
        if status == HTTPStatus.UNAUTHORIZED:
            return self._not_admitted(said(answer))
        if status == HTTPStatus.FORBIDDEN:
            return Denied(f"the registry {host} forbids reading {self._reference}: {said(answer)}", "registry.denied")
        if status == HTTPStatus.NOT_FOUND:
            what = f"image {self._reference}" if path.startswith("manifests/") else f"{path} of {self._reference}"
            words = worded(answer)
            says = " ".join(sorted(words.codes))
            return NotFound(f"the registry {host} has no {what}: {words.sentence}", "registry.no-image", says=says)
        if status == HTTPStatus.TOO_MANY_REQUESTS:
            return Unavailable(f"the registry {host} asks to slow down: {said(answer)}", "registry.busy")
        why = said(answer)
        if status == HTTPStatus.BAD_REQUEST and self._access.insecure:
            why += self._either("; if it speaks TLS, leave out --insecure", "; if it speaks TLS, switch plain HTTP off")
        return Unavailable(f"the registry {host} refused: {why}", "registry.refused")

    def _not_admitted(self, why: str) -> Unauthenticated:
        trouble = self._known.trouble if self._known else ""
        host = self._reference.host
        here = f"no such image, or sign in with `docker login {host}`"
        stranger = self._either(here, "no such image, or give a user name and a password")
        hint = "wrong password?" if self._by_name else stranger
        sentence = f"the registry {host} does not admit you to {self._reference.repository}: {why} ({hint})"
        if not self._reference.repository:
            sentence = f"the registry {host} does not admit you to its catalog: {why} ({hint})"
        return Unauthenticated(sentence + (f"; {trouble}" if trouble else ""), "registry.unauthenticated")

    def _either(self, here: str, there: str) -> str:
        """What to do, on this command line or where the registry was named to a server."""
        return there if self._access.for_others else here

    def _unreachable(self, cause: Exception) -> Unavailable:
        host = self._reference.api_host
        why = reason(cause)
        hint = ""
        if isinstance(why, ssl.SSLCertVerificationError):
            if why.verify_code in OF_NO_KNOWN_AUTHORITY:
                there = "; if its certificate is your own, give its authority"
                hint = self._either("; if its certificate is your own, say --ca-file", there)
        elif isinstance(why, ssl.SSLError):
            there = "; if it speaks plain http, switch plain HTTP on"
            hint = self._either("; if it speaks plain http, say --insecure", there)
        sentence = f"the registry {host} cannot be reached: {plainly(cause)[:500]}{hint}"
        return Unavailable(sentence, "registry.unreachable")
