# /// script
# requires-python = "==3.11.*"
# dependencies = [
#   "mlserver==1.7.1",
#   "mlserver-sklearn==1.7.1",
#   "uvloop==0.21.0",  # later versions make no event loop by themselves, but its worker needs one
#   "joblib==1.6.0",
#   "numpy==2.4.6",
#   "scikit-learn==1.9.1",
# ]
# ///
# mypy: ignore-errors
# Its imports are installed in its own environment, not here.
"""MLServer with its own scikit-learn runtime and its default settings, as `mlserver start` runs it."""

import asyncio
import os

import owner
from mlserver import MLServer, ModelSettings, Settings
from mlserver.settings import ModelParameters
from mlserver.utils import install_uvloop_event_loop
from mlserver_sklearn import SKLearnModel


async def serve() -> None:
    """Serve until a signal comes; 0 takes any free port for parts that are not measured."""
    settings = Settings(host="127.0.0.1", http_port=int(os.environ["PORT"]), grpc_port=0, metrics_port=0)
    parameters = ModelParameters(uri=os.environ["MODEL_FILE"])
    await MLServer(settings).start([ModelSettings(name="digits", implementation=SKLearnModel, parameters=parameters)])


if __name__ == "__main__":
    owner.watch()
    install_uvloop_event_loop()
    asyncio.run(serve())
