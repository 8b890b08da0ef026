"""The one door to the Pulumi engine: nothing else in digits/ runs it or reads what it prints.

automation    previews and refreshes that change nothing, on Pulumi's Automation API
events        what they found: steps, policy violations, errors and warnings
stacks        a stack's outputs, configuration and deployments, by the CLI where the Automation API falls short
invocation    the CLI as a child process, and EngineError, the one error of this package
sentences     the engine's messages as sentences
"""
