# /// script
# requires-python = "==3.11.*"
# dependencies = [
#   "kserve==0.21.0",
#   "joblib==1.6.0",
#   "numpy==2.4.6",
#   "scikit-learn==1.9.1",
# ]
# ///
# mypy: ignore-errors
# Its imports are installed in its own environment, not here.
"""KServe's Python model server, with a model that works like KServe's own scikit-learn server, over protocol v1."""

import os
from typing import Any

import joblib
import numpy as np
import owner
from kserve import Model, ModelServer, model_server
from kserve.protocol.rest.server import RESTServer


class Digits(Model):
    """The pickle behind predict()."""

    def __init__(self) -> None:
        super().__init__("digits")
        self.model = joblib.load(os.environ["MODEL_FILE"])
        self.ready = True

    def predict(self, payload: dict[str, Any], *_: object, **__: object) -> dict[str, Any]:
        """Answer {"instances": [[number, …], …]} with {"predictions": [label, …]}."""
        return {"predictions": self.model.predict(np.array(payload["instances"])).tolist()}


class LoopbackServer(RESTServer):
    """The HTTP server on 127.0.0.1: KServe has no setting for the address and would take all of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.config.host = "127.0.0.1"


if __name__ == "__main__":
    owner.watch()
    model_server.RESTServer = LoopbackServer
    ModelServer(http_port=int(os.environ["PORT"]), enable_grpc=False).start([Digits()])
