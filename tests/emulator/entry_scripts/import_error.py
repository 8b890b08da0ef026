import a_package_that_nobody_made


def init():
    a_package_that_nobody_made.begin()


def run(raw):
    return raw
