"""The one exception of this folder: a line for people and minfer's exit status."""
USAGE, FILE, UNABLE, OUTPUT = 2, 3, 4, 5


class Failure(Exception):
    def __init__(self, status, text):
        super().__init__(text)
        self.status = status
