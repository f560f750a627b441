"""What `secc-kernel testbed` is made of: namespaces and cables, the powerline's process, the cars' processes."""
