"""What runs a web service: its environment, its process, its end."""
