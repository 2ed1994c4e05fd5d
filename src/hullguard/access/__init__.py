"""Who may do what: identity and permissions, enrolment of agents, the node quota."""
