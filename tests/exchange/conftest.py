import pytest

from practices.roles import Role
from tests import make


@pytest.fixture
def manager(db):
    return make.member(Role.MANAGER, make.practice())
