from tests.support.database import clock, storage, tx

__all__ = ["clock", "storage", "tx"]
