"""What the project needs around itself, none of it imported by the program."""
