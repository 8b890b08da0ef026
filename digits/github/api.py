"""The job's repository through GitHub's REST API, as every runner names it in its environment.

GitHubError     what GitHub answered, or what the environment lacks
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from digits import bounded_answer

_PAGE, _MOST_PAGES = 100, 100
_LARGEST_ANSWER = 32 * 2**20  # bytes: a page of comments, each of 64 kB at most, has 7 MB
_LONGEST_SECONDS = 120


class GitHubError(Exception):
    """What GitHub answered, or what the environment lacks."""


@dataclass(frozen=True)
class Repository:
    """A repository at the address of its API, with a client that carries the job's token."""

    client: httpx.Client

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Repository":
        """Read GITHUB_API_URL, GITHUB_REPOSITORY and GITHUB_TOKEN; only the last is not there by itself."""
        address, name = _require(environment, "GITHUB_API_URL"), _require(environment, "GITHUB_REPOSITORY")
        return cls(
            httpx.Client(
                base_url=f"{address}/repos/{name}/",
                headers={
                    "Authorization": f"Bearer {_require(environment, 'GITHUB_TOKEN')}",
                    "Accept": "application/vnd.github+json",
                    "X-GitHub-Api-Version": "2022-11-28",
                },
                timeout=30,
                transport=httpx.HTTPTransport(retries=3),
            )
        )

    def send(self, method: str, path: str, **arguments: Any) -> Any:
        """Return the answer's JSON; raises GitHubError, which names the permission where that is what lacks."""
        try:
            answer = bounded_answer.request(
                self.client, method, path, largest=_LARGEST_ANSWER, seconds=_LONGEST_SECONDS, **arguments
            )
            if answer.is_success:
                return answer.json()
        except bounded_answer.AnswerError as error:
            raise GitHubError(f"GitHub {error} to {method} {path}: run it again, or look at GITHUB_API_URL.") from error
        except (httpx.HTTPError, ValueError) as error:
            raise GitHubError(f"GitHub did not answer {method} {path} ({error}): run it again.") from error
        raise GitHubError(f"GitHub refused {method} {path} with {answer.status_code}: {_message(answer)}")

    def list(self, path: str, **query: str) -> Iterator[dict[str, Any]]:
        """Yield everything of a list, page by page."""
        for page in range(1, _MOST_PAGES + 1):
            items = self.send("GET", path, params={**query, "per_page": _PAGE, "page": page})
            yield from items
            if len(items) < _PAGE:
                return
        raise GitHubError(f"GitHub lists more than {_MOST_PAGES * _PAGE:,} entries of {path}: close old ones.")


def pull_request(environment: Mapping[str, str]) -> tuple[int | None, str]:
    """Return the number of the run's pull request, or None and the sentence why nothing can be written there."""
    event = json.loads(Path(_require(environment, "GITHUB_EVENT_PATH")).read_text(encoding="utf-8"))
    if "pull_request" not in event:
        return None, "This run belongs to no pull request: the report is in its summary."
    head = event["pull_request"]["head"]["repo"]  # none where the fork was deleted
    if head is None or head["full_name"] != _require(environment, "GITHUB_REPOSITORY"):
        return None, "A pull request from a fork gets no token that may write: the report is in the run's summary."
    return event["pull_request"]["number"], ""


def summarize(text: str, environment: Mapping[str, str]) -> None:
    """Add the text to the run's summary, where there is one."""
    if path := environment.get("GITHUB_STEP_SUMMARY"):
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(f"{text}\n")


def _require(environment: Mapping[str, str], name: str) -> str:
    if value := environment.get(name):
        return value
    how = "give the step `env: GITHUB_TOKEN: ${{ github.token }}`" if name == "GITHUB_TOKEN" else "run it on GitHub"
    raise GitHubError(f"{name} is not set: {how}.")


def _message(answer: httpx.Response) -> str:
    try:
        said = str(answer.json()["message"])
    except (ValueError, KeyError, TypeError):
        said = answer.reason_phrase
    if answer.status_code == httpx.codes.FORBIDDEN:
        return f"{said}. The job may lack `permissions:` to write pull requests or issues."
    return f"{said}."
