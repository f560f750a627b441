class Compiler:
    def __init__(self, g):
        pass

    def decode(self, data, fragment):
        return None

    def encode(self, e, v, fragment):
        return None
