"""Frames: bytes in, objects out, and back. No sockets, no time."""
