"""What is known to be vulnerable: feeds, the database made of them, version orders and the match."""
