import asyncio

import pytest
from tests.support.clock import Clock

from hullguard.access.iam.throttle import PER_ACCOUNT, PER_ADDRESS, WINDOW_SECONDS, SignInThrottle
from hullguard.cache import MemoryCache
from hullguard.model.errors import TooMany


async def attempts(throttle: SignInThrottle, many: int, name: str = "alice", address: str = "192.0.2.1") -> int:
    """How many of so many attempts at once are let through."""
    answers = await asyncio.gather(
        *(throttle.count("default", name, address) for _ in range(many)), return_exceptions=True
    )
    return sum(answer is None for answer in answers)


async def test_attempts_sent_at_once_are_all_counted():
    assert await attempts(SignInThrottle(MemoryCache()), 200) == PER_ACCOUNT


async def test_another_address_does_not_open_the_account_again():
    throttle = SignInThrottle(MemoryCache())
    await attempts(throttle, 50)

    assert await attempts(throttle, 5, address="198.51.100.7") == 0


async def test_the_name_s_case_does_not_open_the_account_again():
    throttle = SignInThrottle(MemoryCache())
    await attempts(throttle, 50)

    assert await attempts(throttle, 5, name="ALICE") == 0


async def test_one_address_cannot_try_ever_more_accounts():
    throttle = SignInThrottle(MemoryCache())
    passed = 0
    for number in range(PER_ADDRESS + 40):
        passed += await attempts(throttle, 1, name=f"user{number}")

    assert passed == PER_ADDRESS


async def test_the_window_ends():
    clock = Clock(0.0)
    throttle = SignInThrottle(MemoryCache(clock=clock))
    await attempts(throttle, 50)
    clock.now = WINDOW_SECONDS + 1

    assert await attempts(throttle, 1) == 1


async def test_signing_in_clears_the_account_and_not_the_address():
    throttle = SignInThrottle(MemoryCache())
    for _ in range(PER_ADDRESS):
        await throttle.count("default", "alice", "192.0.2.1")
        await throttle.clear("default", "alice")

    with pytest.raises(TooMany) as refused:
        await throttle.count("default", "alice", "192.0.2.1")
    assert refused.value.code == "sign-in-throttled"
    assert refused.value.params["retry_after"] == WINDOW_SECONDS
    assert await attempts(throttle, 1, address="192.0.2.2") == 1


async def test_a_name_of_any_size_and_shape_is_counted():
    throttle = SignInThrottle(MemoryCache())

    assert await attempts(throttle, 20, name="\0" * 100_000) == PER_ACCOUNT
