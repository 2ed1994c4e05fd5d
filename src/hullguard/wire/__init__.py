"""Between agent and hostmgr: messages, their encoding, the sans-I/O session, enrolment tokens, bundles. No sockets."""
