import pytest

from hullguard.access.iam.authorize import authorize, may, require_own_password
from hullguard.access.iam.roles import PERMISSIONS, at_most, permissions
from hullguard.model.errors import Denied
from hullguard.model.identity import Actor, Permission, Role, Scope


def actor(role: Role, *, must_change_password: bool = False) -> Actor:
    return Actor("user:somebody", Scope("default"), role, must_change_password=must_change_password)


def test_every_role_has_its_permissions_and_every_permission_a_role():
    assert set(PERMISSIONS) == set(Role)
    assert frozenset().union(*PERMISSIONS.values()) == set(Permission)


def test_the_administrator_may_do_everything_and_nobody_else_may_manage_people():
    assert permissions(Role.ADMIN) == set(Permission)
    for role in set(Role) - {Role.ADMIN}:
        assert not permissions(role) & {Permission.USERS_WRITE, Permission.QUOTAS_WRITE}


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.VIEWER])
def test_those_who_only_look_can_change_nothing(role):
    verbs = {permission.split(":")[1] for permission in permissions(role)}

    assert verbs == {"read", "own"}


def test_only_administrator_and_auditor_read_the_audit():
    assert {role for role in Role if Permission.AUDIT_READ in permissions(role)} == {Role.ADMIN, Role.AUDITOR}


def test_roles_are_compared_as_sets():
    assert at_most(Role.VIEWER, Role.OPERATOR)
    assert at_most(Role.VIEWER, Role.AUDITOR)
    assert all(at_most(role, Role.ADMIN) and at_most(role, role) for role in Role)
    assert not at_most(Role.AUDITOR, Role.OPERATOR)
    assert not at_most(Role.OPERATOR, Role.AUDITOR)
    assert not at_most(Role.ADMIN, Role.OPERATOR)


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("permission", Permission)
def test_authorize_and_may_agree_with_the_table(role, permission):
    allowed = permission in PERMISSIONS[role]

    assert may(actor(role), permission) is allowed
    if allowed:
        authorize(actor(role), permission)
    else:
        with pytest.raises(Denied) as denied:
            authorize(actor(role), permission, "policy:7")
        assert denied.value.code == "permission-missing"
        assert denied.value.params == {"permission": permission.value, "role": role.value}
        assert "policy:7" in str(denied.value)


@pytest.mark.parametrize("permission", Permission)
def test_a_one_time_password_opens_nothing(permission):
    newcomer = actor(Role.ADMIN, must_change_password=True)

    assert not may(newcomer, permission)
    with pytest.raises(Denied) as denied:
        authorize(newcomer, permission)
    assert denied.value.code == "password-change-required"
    with pytest.raises(Denied):
        require_own_password(newcomer)


def test_who_has_an_own_password_passes():
    require_own_password(actor(Role.VIEWER))
