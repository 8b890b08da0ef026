"""The one door to the Pulumi engine: no other package of digits/ runs it or reads its output.

automation    previews and refreshes that change nothing, on Pulumi's Automation API
events        their results: steps, policy violations, errors and warnings
deployments   a stack's outputs, configuration and deployments, by the CLI because the Automation API falls short
invocation    the CLI as a child process, and EngineError, the one error of this package
sentences     the engine's messages as sentences
"""

import os

# gRPC, over which the engine's events come, must not run its own code in a child between fork and exec: it may end
# the child, or print to its stderr.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
