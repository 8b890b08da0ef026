"""Measurements that print their figures; claims elsewhere quote them."""
