"""The library and the command around the program: everything that is not Pulumi's."""
