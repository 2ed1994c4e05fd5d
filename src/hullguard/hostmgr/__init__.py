"""The agents' gateway: admits them, keeps their sessions, takes in what they report, hands out what people want.

Its replicas share nothing but the database and the cache.
"""
