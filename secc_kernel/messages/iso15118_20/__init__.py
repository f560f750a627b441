"""ISO 15118-20:2022, one module per schema document."""
