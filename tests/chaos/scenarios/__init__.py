"""What is done to bridge, brokers, network, disk, clock, topics and credentials."""
