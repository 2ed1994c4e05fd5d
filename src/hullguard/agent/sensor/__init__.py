"""Eyes in the kernel. The door is ``bpf_sensor.BpfSensor``; ``replay.ReplaySensor`` reads what one recorded."""
