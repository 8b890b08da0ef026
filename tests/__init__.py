"""Three tiers of tests: no I/O, the emulator with the real SDK, the real engine."""
