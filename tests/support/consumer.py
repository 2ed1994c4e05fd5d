"""An agent in small: takes events and writes each one's id to a file before it lets go of it. Made to be killed.

``python -m tests.support.consumer STATE_DIR DOCKER_HOST FILE``
"""

import os
import sys
from pathlib import Path

from hullguard.agent.sensor.bpf_sensor import BpfSensor
from hullguard.detect import Engine
from hullguard.model.event import Event, Gap


def main(state: str, docker_host: str, spool: str) -> None:
    engine = Engine("node", "boot")
    sensor = BpfSensor.open(Path(state), docker_host)
    sensor.apply(engine.plan())
    sensor.settle()
    file = os.open(spool, os.O_WRONLY | os.O_APPEND | os.O_CREAT)

    def take(event: Event | Gap) -> None:
        if isinstance(event, Gap):
            return
        for found in engine.judge(event):
            line = f"{found.id} {event.sequence} {event.container.id} {found.rule} {event.process.args[-1]}\n"
            os.write(file, line.encode())

    print("ready", flush=True)
    while True:
        sensor.poll(take, 1000)


if __name__ == "__main__":
    main(*sys.argv[1:])
