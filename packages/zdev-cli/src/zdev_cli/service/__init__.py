"""Many devices in one program: started, supervised, restarted, reloaded and drained."""
