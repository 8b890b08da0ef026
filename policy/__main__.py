"""The policy pack, as the engine runs it: this folder alone is on the path."""

from pack import serve

serve()
