"""The emulator as a process of this machine: start, ports, certificates, status."""
