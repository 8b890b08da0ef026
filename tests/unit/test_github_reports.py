"""tools/github against GitHub's REST API as far as it is used, on loopback."""

import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socket import create_server
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

ROOT = Path(__file__).parents[2]
TOKEN = "ghs_0123456789"
PREVIEW = "<!-- digits preview: staging -->\nNothing would change.\n"
DRIFT = "<!-- digits drift: staging -->\nThe service was scaled.\n"


class GitHub(ThreadingHTTPServer):
    """The issues, pull requests and comments of one repository; it writes as the bot that a job's token is."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.comments: list[dict[str, Any]] = []
        self.issues: list[dict[str, Any]] = []
        self.asked: list[str] = []
        self.refuse: tuple[int, str] | None = None

    @property
    def url(self) -> str:
        """The address of its API."""
        return f"http://127.0.0.1:{self.server_port}"

    def comment(self, body: str, user: str = "Bot") -> dict[str, Any]:
        """Have a comment."""
        number = len(self.comments) + 1
        made = {"id": number, "body": body, "user": {"type": user}, "html_url": f"{self.url}/comment/{number}"}
        self.comments.append(made)
        return made

    def issue(self, body: str | None, **more: object) -> dict[str, Any]:
        """Have an open issue."""
        number = 100 + len(self.issues)
        made: dict[str, Any] = {"number": number, "body": body, "user": {"type": "Bot"}, "state": "open", **more}
        made["html_url"] = f"{self.url}/issue/{number}"
        self.issues.append(made)
        return made


class _Handler(BaseHTTPRequestHandler):
    server: GitHub

    def _answer(self, code: int, content: object) -> None:
        body = json.dumps(content).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def _do(self) -> None:
        address = urlsplit(self.path)
        sent = json.loads(self.rfile.read(int(self.headers["Content-Length"] or 0)) or "null")
        self.server.asked.append(f"{self.command} {address.path}")
        if self.headers["Authorization"] != f"Bearer {TOKEN}":
            self._answer(401, {"message": "Bad credentials"})
        elif self.server.refuse:
            self._answer(self.server.refuse[0], {"message": self.server.refuse[1]})
        elif self.command == "GET":
            query = parse_qs(address.query)
            every = self.server.issues if address.path.endswith("/issues") else self.server.comments
            every = [item for item in every if item.get("state", "open") == query.get("state", ["open"])[0]]
            first = (int(query["page"][0]) - 1) * int(query["per_page"][0])
            self._answer(200, every[first : first + int(query["per_page"][0])])
        elif self.command == "POST":
            made = self.server.issue(**sent) if address.path.endswith("/issues") else self.server.comment(**sent)
            self._answer(201, made)
        else:
            number = int(address.path.rpartition("/")[2])
            found = [
                item
                for item in self.server.comments + self.server.issues
                if number in (item.get("id"), item.get("number"))
            ]
            found[0].update(sent)
            self._answer(200, found[0])

    do_GET = do_POST = do_PATCH = _do  # noqa: N815 - http.server's names

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        pass


@pytest.fixture
def github() -> Iterator[GitHub]:
    """A repository without issues and comments."""
    with GitHub() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def run(github: GitHub, tmp_path: Path) -> "Run":
    """A job on a runner, for pull request 7 of the repository itself."""
    return Run(github, tmp_path)


class Run:
    """A job: its environment as a runner sets it, and the report that the step before wrote."""

    def __init__(self, github: GitHub, directory: Path) -> None:
        self.report = directory / "report.md"
        self.summary = directory / "summary.md"
        self._event = directory / "event.json"
        self.belongs_to({"pull_request": {"number": 7, "head": {"repo": {"full_name": "team/digits"}}}})
        self.environment = {
            "PATH": "",
            "NO_PROXY": "127.0.0.1",
            "GITHUB_API_URL": github.url,
            "GITHUB_REPOSITORY": "team/digits",
            "GITHUB_EVENT_PATH": str(self._event),
            "GITHUB_STEP_SUMMARY": str(self.summary),
            "GITHUB_TOKEN": TOKEN,
        }

    def belongs_to(self, event: dict[str, Any]) -> None:
        """Be started by this event."""
        self._event.write_text(json.dumps(event))

    def __call__(self, command: str, text: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command on this report."""
        self.report.write_text(text)
        return self.again(command, *more)

    def again(self, command: str, *more: str) -> subprocess.CompletedProcess[str]:
        """Run the command on the report as it is."""
        answer = subprocess.run(
            [sys.executable, "-m", "digits", command, str(self.report), *more],
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert TOKEN not in answer.stdout + answer.stderr
        assert "Traceback" not in answer.stderr
        return answer


def test_a_comment_is_written_once_and_updated_in_place(github: GitHub, run: Run) -> None:
    """A pull request has one comment for each stack, however often it is pushed to; the same text is not sent again."""
    github.comment("<!-- digits preview: prod -->\nAnother stack's.")
    assert run("comment", PREVIEW).stdout == f"{github.url}/comment/2\n"
    assert run("comment", PREVIEW.replace("Nothing", "The model")).returncode == 0
    assert [comment["body"].partition("\n")[2] for comment in github.comments] == [
        "Another stack's.",
        "The model would change.\n",
    ]
    before = len(github.asked)
    assert run.again("comment").returncode == 0
    assert github.asked[before:] == ["GET /repos/team/digits/issues/7/comments"]


def test_the_comment_is_found_on_a_later_page(github: GitHub, run: Run) -> None:
    """GitHub answers a hundred at a time, and a comment that was not seen would be written a second time."""
    for number in range(200):
        github.comment(f"comment {number}")
    github.comment(PREVIEW.replace("Nothing", "Something").replace("\n", "\r\n"))
    assert run("comment", PREVIEW).returncode == 0
    assert len(github.comments) == 201
    assert github.comments[200]["body"] == PREVIEW


def test_a_comment_of_a_person_is_never_taken_for_ours(github: GitHub, run: Run) -> None:
    """Anyone who writes our first line into a comment could otherwise change the preview after it was read."""
    theirs = github.comment(PREVIEW, user="User")
    assert run("comment", PREVIEW.replace("Nothing", "Something")).returncode == 0
    assert theirs["body"] == PREVIEW
    assert len(github.comments) == 2


@pytest.mark.parametrize(
    ("event", "said"),
    [
        ({"pull_request": {"number": 7, "head": {"repo": {"full_name": "stranger/digits"}}}}, "from a fork"),
        ({"pull_request": {"number": 7, "head": {"repo": None}}}, "from a fork"),
        ({"schedule": "17 3 * * *"}, "no pull request"),
    ],
)
def test_without_a_pull_request_of_ours_the_report_is_in_the_summary(
    github: GitHub, run: Run, event: dict[str, Any], said: str
) -> None:
    """A fork's token may not write, and a run of main has nothing to comment: neither is a failure, and it is said."""
    run.belongs_to(event)
    del run.environment["GITHUB_TOKEN"]
    answer = run("comment", PREVIEW)
    assert answer.returncode == 0
    assert said in answer.stdout
    assert run.summary.read_text().startswith(PREVIEW)
    assert github.asked == []


def test_a_long_report_is_cut_where_github_would_refuse_it(github: GitHub, run: Run) -> None:
    """The comment says so, and the summary has all of it."""
    long = PREVIEW + "x" * 70_000
    assert run("comment", long).returncode == 0
    assert len(github.comments[0]["body"]) == 65_536
    assert "run's summary" in github.comments[0]["body"]
    assert long in run.summary.read_text()


def test_drift_is_one_issue_that_closes_by_itself(github: GitHub, run: Run) -> None:
    """It is opened on the first night, updated on the next, and closed with a last word when all is as deployed."""
    github.issue(None)
    github.issue(DRIFT, pull_request={})  # a pull request, which is none of ours whatever it says
    for text, outcome in [(DRIFT, "failure"), (f"{DRIFT}And deleted.\n", "failure")]:
        assert run("issue", text, "--title", "Drift in staging", "--outcome", outcome).returncode == 0
    assert [issue["body"] for issue in github.issues] == [None, DRIFT, f"{DRIFT}And deleted.\n"]
    assert github.issues[2]["title"] == "Drift in staging"
    gone = DRIFT.replace("The service was scaled", "Nothing changed outside")
    closed = run("issue", gone, "--title", "Drift in staging", "--outcome", "success")
    assert closed.stdout == f"{github.url}/issue/102\n"
    assert github.issues[2]["state"] == "closed"
    assert github.comments[0]["body"] == gone
    assert run.again("issue", "--title", "Drift", "--outcome", "success").stdout == "No issue is open.\n"


def test_a_refusal_is_one_sentence_that_names_the_permission(github: GitHub, run: Run) -> None:
    """A 403 of a job's token means that `permissions:` lacks something."""
    github.refuse = (403, "Resource not accessible by integration")
    answer = run("comment", PREVIEW)
    assert answer.returncode == 2
    assert re.fullmatch(r"error: .*Resource not accessible by integration\. .*permissions.*\n", answer.stderr)


def test_a_silent_github_is_one_sentence(run: Run) -> None:
    """Nothing listens there."""
    with create_server(("127.0.0.1", 0)) as closed:
        run.environment["GITHUB_API_URL"] = f"http://127.0.0.1:{closed.getsockname()[1]}"
    answer = run("comment", PREVIEW)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: GitHub did not answer GET issues/7/comments")


@pytest.mark.parametrize("name", ["GITHUB_TOKEN", "GITHUB_API_URL", "GITHUB_REPOSITORY", "GITHUB_EVENT_PATH"])
def test_what_the_environment_lacks_is_named(run: Run, name: str) -> None:
    """Without a token the step says how to give it one; the rest is there on every runner."""
    del run.environment[name]
    answer = run("comment", PREVIEW)
    assert answer.returncode == 2
    assert answer.stderr.startswith(f"error: {name} is not set: ")


def test_a_report_without_a_marker_is_recognised_by_its_file(github: GitHub, run: Run) -> None:
    """The next run finds it again all the same."""
    assert run("comment", "Nothing would change.\n").returncode == 0
    assert run("comment", "The model would change.\n").returncode == 0
    assert [comment["body"] for comment in github.comments] == [f"<!-- {run.report} -->\nThe model would change.\n"]


def test_a_report_that_is_not_there_is_one_sentence(github: GitHub, run: Run) -> None:
    """The step before failed without writing it."""
    answer = run.again("comment")
    assert answer.returncode == 2
    assert answer.stderr.endswith("is not there: the step before should have written it.\n")
    assert github.asked == []
