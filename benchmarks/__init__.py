"""Measurements that print what they measured; claims elsewhere quote them."""
