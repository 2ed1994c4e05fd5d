import asyncio
import threading

import pytest

from hullguard.access.iam.passwords import MAXIMUM_BYTES, Cost, Passwords, acceptable, one_time_password
from hullguard.model.errors import Invalid, Unavailable

CHEAP = Cost(passes=1, memory_kib=64, lanes=1)


async def test_a_password_verifies_against_its_own_hash_only():
    passwords = Passwords(CHEAP)
    stored = await passwords.hash("correct horse battery")

    assert await passwords.verify(stored, "correct horse battery")
    assert not await passwords.verify(stored, "correct horse batterz")
    assert not await passwords.verify(stored, "")


async def test_the_same_password_never_hashes_to_the_same_text():
    passwords = Passwords(CHEAP)

    assert await passwords.hash("twice the same") != await passwords.hash("twice the same")


async def test_the_default_is_argon2id_with_the_parameters_of_rfc_9106():
    stored = await Passwords().hash("x")

    assert stored.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


async def test_nobody_s_password_is_never_right_and_is_hashed_all_the_same():
    passwords = Passwords(CHEAP)

    assert not await passwords.verify(None, "whatever")
    decoy = await passwords._decoy()
    assert decoy.startswith("$argon2id$v=19$m=64,t=1,p=1$")
    assert await passwords._decoy() == decoy


@pytest.mark.parametrize("stored", ["", "plain", "$argon2id$v=19$m=64,t=1,p=1$broken", "$2b$12$abcdefghijklmnopqrstuv"])
async def test_a_damaged_hash_is_a_wrong_password(stored):
    assert not await Passwords(CHEAP).verify(stored, "whatever")


async def test_a_huge_password_is_refused_without_hashing():
    passwords = Passwords(CHEAP, waiting=0)  # hashing anything would raise

    assert not await passwords.verify("$argon2id$", "x" * (MAXIMUM_BYTES + 1))


async def test_hashing_leaves_the_event_loop_free_and_bounds_what_runs_at_once():
    passwords = Passwords(CHEAP, at_once=2)
    running, most, gate = 0, 0, threading.Event()
    lock = threading.Lock()

    def work(_: str) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        gate.wait(10)
        with lock:
            running -= 1
        return True

    jobs = [asyncio.ensure_future(passwords._run(work, "x")) for _ in range(8)]
    while running < 2:
        await asyncio.sleep(0.001)  # the loop runs while the threads wait
    gate.set()

    assert await asyncio.gather(*jobs) == [True] * 8
    assert most == 2


async def test_a_queue_that_is_full_says_so_and_empties_again():
    passwords = Passwords(CHEAP, at_once=1, waiting=2)
    gate = threading.Event()
    jobs = [asyncio.ensure_future(passwords._run(lambda _: gate.wait(10), "x")) for _ in range(2)]
    await asyncio.sleep(0)

    with pytest.raises(Unavailable, match="Try again"):
        await passwords.hash("one too many")
    gate.set()
    await asyncio.gather(*jobs)
    assert await passwords.hash("room again")


async def test_an_abandoned_request_gives_its_place_back_only_when_its_thread_is_done():
    passwords = Passwords(CHEAP, at_once=1, waiting=1)
    gate = threading.Event()
    job = asyncio.ensure_future(passwords._run(lambda _: gate.wait(10), "x"))
    await asyncio.sleep(0)
    job.cancel()
    with pytest.raises(asyncio.CancelledError):
        await job
    gate.set()
    while passwords._pending:
        await asyncio.sleep(0.001)

    assert await passwords.hash("room again")


async def test_a_hash_of_other_parameters_is_outdated():
    stored = await Passwords(CHEAP).hash("x")

    assert Passwords(Cost(passes=2, memory_kib=64, lanes=1)).outdated(stored)
    assert not Passwords(CHEAP).outdated(stored)


@pytest.mark.parametrize(
    ("new", "code"),
    [
        ("", "password-too-short"),
        ("eleven char", "password-too-short"),
        ("x" * (MAXIMUM_BYTES + 1), "password-too-long"),
        ("aaaaaaaaaaaaaaaaaa", "password-too-simple"),
        ("the old password", "password-too-simple"),
        ("hello Operator-7 hello", "password-too-simple"),
    ],
)
def test_bad_choices_are_refused_by_field_and_code(new, code):
    with pytest.raises(Invalid) as refused:
        acceptable(new, name="operator-7", old="the old password")

    assert refused.value.code == code
    assert refused.value.field == "$.new"


def test_a_short_user_name_may_appear_in_a_password():
    acceptable("an entirely good choice", name="a", old="the old password")


def test_one_time_passwords_are_random_and_long_enough_to_be_chosen():
    made = {one_time_password() for _ in range(200)}

    assert len(made) == 200
    for password in made:
        acceptable(password, name="admin")
        assert not set(password) & set("0O1lI")
