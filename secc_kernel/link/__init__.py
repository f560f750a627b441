"""How bytes move: the simulated link, TCP, and capture files."""
