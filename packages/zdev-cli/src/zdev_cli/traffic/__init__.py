"""Looking into traffic: watch a mon endpoint, show messages, choose among them, and keep them in files."""
