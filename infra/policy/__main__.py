"""The policy pack, as the engine runs it, with only this folder on the path; `python -m infra.policy` explains it."""

import argparse

if __package__:
    parser = argparse.ArgumentParser(
        prog="python -m infra.policy",
        description="The policy pack that previews and deployments are held against. The Pulumi engine runs it: "
        "`pulumi preview --policy-pack policy`, or any command of make.",
        epilog="docs/policy.md lists the policies, and what a stack chooses of them.",
    )
    parser.parse_args()
    parser.error("only the engine runs it: pulumi preview --policy-pack policy")
else:
    from pack import serve

    serve()
