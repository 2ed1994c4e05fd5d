"""Background work: inventories meet advisories, schedules run. Any number of workers share one queue."""
