"""The Jupyter kernel ``secc``: a thin shell over the library.

It is ipykernel's own kernel with another language in its cells. `cells` tells Lua from Python and magics, `shell`
runs them, `kernel` answers the protocol, `host` connects the Lua engine with the live session and with the
notebook's output, `display` and `tables` show Lua values, `bridge` gives Python cells the globals of Lua, `magics` has
the magics that know Lua, `assistant` answers while the user types, `spec` installs the kernelspec. ``python -m
secc_kernel.kernel`` starts it.
"""
