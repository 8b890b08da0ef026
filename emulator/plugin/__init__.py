"""A stand-in for azure-native 3.24.0's plugin: the real Pulumi engine talks to it, and it to the emulator's ARM."""
