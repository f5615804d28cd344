"""Several hosts on one machine: what replicas and chains of devices do when some come, go, or lose their network."""
