"""DIN SPEC 70121:2012, one module per schema document."""
