def init():
    raise ValueError("the model is upside down")


def run(raw):
    return raw
