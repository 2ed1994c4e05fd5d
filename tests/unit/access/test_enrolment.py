from datetime import timedelta

import pytest
from tests.support.database import SCOPE, Clock

from hullguard.access import enrolment
from hullguard.access.iam.actors import system
from hullguard.model.errors import NotFound
from hullguard.storage import Storage, Transaction
from hullguard.storage.paging import PageRequest
from hullguard.storage.stores import Audit, AuditFilter, EnrolmentTokens
from hullguard.wire.enrolment import Token, parse_token
from hullguard.wire.violation import Code, Violation

PIN = "00112233445566778899aabbccddeeff"
OTHER_PIN = "ff" * 16


async def make(tx: Transaction, *, uses: int = 1, hours: int = 1) -> Token:
    _, text = await enrolment.create(
        tx, system(), name="rack", cluster="edge", expires=tx.now + timedelta(hours=hours), max_uses=uses, pin=PIN
    )
    return parse_token(text)


async def refused(tx: Transaction, token: Token, pin: str = PIN) -> Code:
    with pytest.raises(Violation) as violation:
        await enrolment.admit(tx, token, pin)
    assert violation.value.refusal.final
    return violation.value.refusal


async def test_a_token_opens_its_cluster(tx: Transaction):
    token = await make(tx)
    admitted = await enrolment.admit(tx, token, PIN)

    assert (admitted.tenant, admitted.cluster, admitted.token) == ("default", "edge", token.id)


async def test_a_used_token_is_refused(tx: Transaction):
    token = await make(tx, uses=3)
    for _ in range(3):
        await enrolment.admit(tx, token, PIN)

    assert await refused(tx, token) is Code.TOKEN_USED


async def test_an_expired_token_is_refused(storage: Storage, clock: Clock):
    async with storage.transaction(SCOPE) as tx:
        token = await make(tx, hours=1)
    clock.forward(hours=1)
    async with storage.transaction(SCOPE) as tx:
        assert await refused(tx, token) is Code.TOKEN_EXPIRED


async def test_a_revoked_token_is_refused(tx: Transaction):
    token = await make(tx)
    await enrolment.revoke(tx, system(), token.id)

    assert await refused(tx, token) is Code.TOKEN_REVOKED


async def test_a_token_of_another_platform_is_refused_and_not_used_up(tx: Transaction):
    token = await make(tx)

    assert await refused(tx, token, OTHER_PIN) is Code.TOKEN_FOREIGN
    assert await refused(tx, token._replace(pin=OTHER_PIN)) is Code.TOKEN_FOREIGN
    assert (await EnrolmentTokens(tx).get(token.id)).uses == 0


async def test_a_wrong_secret_or_id_is_an_unknown_token(tx: Transaction):
    token, other = await make(tx), await make(tx)

    assert await refused(tx, token._replace(secret=token.secret[:-1] + "x")) is Code.TOKEN_FOREIGN
    assert await refused(tx, token._replace(secret=other.secret)) is Code.TOKEN_FOREIGN
    assert await refused(tx, token._replace(id="0" * 32)) is Code.TOKEN_FOREIGN


async def test_an_enrolment_that_fails_later_does_not_use_the_token(storage: Storage):
    async with storage.transaction(SCOPE) as tx:
        token = await make(tx)

    async def fail_after_admission() -> None:
        async with storage.transaction(SCOPE) as tx:
            await enrolment.admit(tx, token, PIN)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail_after_admission()
    async with storage.transaction(SCOPE) as tx:
        assert (await enrolment.admit(tx, token, PIN)).token == token.id


async def test_making_and_revoking_are_audited_without_the_secret(tx: Transaction):
    token = await make(tx)
    await enrolment.revoke(tx, system(), token.id)
    records = (await Audit(tx).page(AuditFilter(), PageRequest())).items

    assert [(r.action, r.actor) for r in records] == [
        ("enrolment-token.revoke", "system"),
        ("enrolment-token.create", "system"),
    ]
    assert records[1].details["cluster"] == "edge"
    assert not any(token.secret in str(record) for record in records)


async def test_revoking_nothing_is_said(tx: Transaction):
    with pytest.raises(NotFound):
        await enrolment.revoke(tx, system(), "nothing")
