"""What a stack's file says, and where its state lies: read before anything is done, by everything that reads it."""

from digits.stack.backend import BackendError, require_shared
from digits.stack.file import StackFile, StackFileError, find_unknown, read
from digits.stack.keys import Keys

__all__ = ["BackendError", "Keys", "StackFile", "StackFileError", "find_unknown", "read", "require_shared"]
