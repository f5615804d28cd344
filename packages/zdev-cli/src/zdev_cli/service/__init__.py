"""Many devices in one program: started, watched, started again, reloaded and drained."""
