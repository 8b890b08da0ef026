"""What all our commands do alike: help with examples, --debug, one sentence for an error, exit codes, Ctrl-C.

Exit codes: 0 done, 1 looked and found something bad, 2 could not look, 130 interrupted.

CommandError    a command cannot do what was asked
Interrupted     Ctrl-C, with a line that says what to do next
"""

from digits.cli import interrupt

import os
import shlex
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

import click

DONE, FOUND_BAD, COULD_NOT_LOOK, INTERRUPTED, BROKEN_PIPE = 0, 1, 2, 130, 141

Example = tuple[str, str]  # a line to type, and what it does
_OURS = ("digits", "emulator", "infra", "tools", "switch")
_WIDTH = 110  # of a wide terminal
_WHOLE = 200  # characters: no command's sentence is cut
_EXIT_CODES = "Exit codes: 0 done, 1 looked and found something bad, 2 could not look, 130 interrupted."


class CommandError(Exception):
    """A command cannot do what was asked; one sentence with the fix."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C, with a line that says what to do next."""


class _Formatter(click.HelpFormatter):
    """Click's help with headings in bold."""

    def write_heading(self, heading: str) -> None:
        self.write(f"{'':>{self.current_indent}}{click.style(f'{heading}:', bold=True)}\n")


class _Context(click.Context):
    formatter_class = _Formatter


class _Helpful(click.Command):
    """A command or a group whose help ends with examples and the exit codes."""

    context_class = _Context
    examples: Sequence[Example] = ()

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click's
        """Write the examples and the exit codes."""
        with formatter.section("Examples"):
            formatter.write_dl([(click.style(line, fg="cyan"), meaning) for line, meaning in self.examples])
        formatter.write_paragraph()
        formatter.write_text(self.epilog or _EXIT_CODES)


class Command(_Helpful):
    """One command: `callback` returns its exit code, or nothing if it is done."""

    def __init__(self, *arguments: Any, examples: Sequence[Example], section: str = "Commands", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples, self.section = examples, section
        self.params.append(click.Option(["--debug"], is_flag=True, expose_value=False, help=_DEBUG_HELP))

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; Ctrl-C becomes one line before click adds an empty one."""
        try:
            code = super().invoke(ctx)
            if sys.stdout:  # none after `>&-`
                sys.stdout.flush()
        except KeyboardInterrupt as reason:
            _end_interrupted(reason)
        except BrokenPipeError:  # the reader has seen enough, as in `digits releases | head -1`
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(BROKEN_PIPE)
        return code


class Group(_Helpful, click.Group):
    """A command with commands of its own, listed by section in the order of their declaration."""

    command_class = Command

    def __init__(self, *arguments: Any, examples: Sequence[Example], section: str = "Commands", **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.examples, self.section = examples, section

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Return the names in the order of their declaration."""
        return list(self.commands)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the commands by section."""
        sections: dict[str, list[tuple[str, str]]] = {}
        for name in self.list_commands(ctx):
            command = self.commands[name]
            section: str = getattr(command, "section", "Commands")
            sections.setdefault(section, []).append((name, command.get_short_help_str(limit=_WHOLE)))
        for section, rows in sections.items():
            with formatter.section(section):
                formatter.write_dl(rows)


_DEBUG_HELP = "Show the traceback of an error."


def create_group(name: str, help_text: str, examples: Sequence[Example], commands: Iterable[click.Command]) -> Group:
    """Return a program's group of commands, one of which prints the shell completion."""
    color = False if os.environ.get("NO_COLOR") else None
    settings = {"help_option_names": ["-h", "--help"], "color": color, "max_content_width": _WIDTH}
    group = Group(name, help=help_text, examples=examples, context_settings=settings, no_args_is_help=True)
    for command in (*commands, _create_completion(group)):
        group.add_command(command)
    return click.version_option(package_name="digits", message="%(version)s")(group)


def locate_program(name: str) -> str:
    """Return what a shell in this folder types to run one of our programs: its name if that is on PATH."""
    import shutil  # for a hint only
    from pathlib import Path

    if shutil.which(name):
        return name
    program = Path(sys.executable).with_name(name)
    here = Path.cwd()
    return shlex.quote(str(program.relative_to(here) if program.is_relative_to(here) else program))


def run(group: Group, arguments: Sequence[str] | None = None) -> int:
    """Run a program with its arguments and return its exit code; an error is one sentence on stderr."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    try:
        return group.main(given, prog_name=group.name, standalone_mode=False) or DONE
    except click.Abort as reason:
        _end_interrupted(reason.__cause__ or reason)
    except click.exceptions.NoArgsIsHelpError as error:  # its message is the help, which keeps its lines
        click.echo(error.format_message(), err=True)
        return COULD_NOT_LOOK
    except click.ClickException as error:
        sentences = _explain_usage(error)
    except Exception as error:  # noqa: BLE001 - an error that nobody foresaw gets a sentence too
        if "--debug" in given:
            traceback.print_exc()
        sentences = list(_explain(error))
    for sentence in sentences:
        _complain(sentence)
    return COULD_NOT_LOOK


def name_stack(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option that names its stack."""
    return click.option(
        "--stack",
        "-s",
        default="dev",
        show_default=True,
        metavar="STACK",
        shell_complete=complete_stack,
        help="The stack, whose file is Pulumi.STACK.yaml.",
    )(function)


def answer_as_json(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the option with which a program reads its answer."""
    return click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")(function)


def complete_stack(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    """Return the stacks whose names begin so."""
    from pathlib import Path  # for completion only

    stacks = [file.name.removeprefix("Pulumi.").removesuffix(".yaml") for file in Path().glob("Pulumi.*.yaml")]
    return [stack for stack in sorted(stacks) if stack.startswith(incomplete)]


def _create_completion(group: Group) -> Command:
    def print_completion(shell: str) -> None:
        from click.shell_completion import get_completion_class  # for completion only

        found = get_completion_class(shell)
        variable = f"_{name}_COMPLETE".replace("-", "_").upper()
        click.echo(found(group, {}, name, variable).source() if found else "", nl=False)

    name = group.name or ""
    return Command(
        "completion",
        callback=print_completion,
        params=[click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))],
        help="Print what completes this command in a shell.",
        examples=[(f'eval "$({name} completion bash)"', "complete commands, options and stacks in this shell")],
        section="Set-up",
    )


def _end_interrupted(reason: BaseException) -> None:
    click.echo(str(reason) or "Interrupted.", err=True)
    sys.exit(INTERRUPTED)


def _explain_usage(error: click.ClickException) -> list[str]:
    said = " ".join(error.format_message().split()).rstrip(".")
    context = getattr(error, "ctx", None)
    return [
        f"{said}{'' if said.endswith('?') else '.'}" + (f" See `{context.command_path} --help`." if context else "")
    ]


def _explain(error: Exception) -> Iterator[str]:
    """Yield the sentences of an error of ours; for an error of another package, also the way to its traceback."""
    if type(error).__module__.partition(".")[0] in _OURS:
        yield from str(error).splitlines()
    elif isinstance(error, OSError) and error.strerror:
        yield f"{error.filename or 'The system'}: {error.strerror}."
    else:
        said = " ".join(str(error).split())
        yield f"{type(error).__name__}, which nobody foresaw: {said or 'no message'}. --debug shows its traceback."


def _complain(sentence: str) -> None:
    color = False if os.environ.get("NO_COLOR") else None
    click.secho("error: ", fg="red", nl=False, err=True, color=color)
    click.echo(sentence, err=True, color=color)
