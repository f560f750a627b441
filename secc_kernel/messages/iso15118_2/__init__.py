"""ISO 15118-2:2013, one module per schema document."""
