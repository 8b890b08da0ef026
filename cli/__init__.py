"""What every command of ours does alike in a terminal: end on Ctrl-C, and end what it started."""
