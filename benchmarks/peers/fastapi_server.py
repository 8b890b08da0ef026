# /// script
# requires-python = "==3.11.*"
# dependencies = [
#   "fastapi==0.165.0",
#   "uvicorn[standard]==0.54.0",
#   "joblib==1.6.0",
#   "numpy==2.4.6",
#   "scikit-learn==1.9.1",
# ]
# ///
# mypy: ignore-errors
# Its imports are installed in its own environment, not here.
"""The tutorial's code behind FastAPI and uvicorn, in the usual form."""

import json
import os

import joblib
import numpy as np
import owner
import uvicorn
from fastapi import FastAPI, Request

app = FastAPI()
model = joblib.load(os.environ["MODEL_FILE"])


@app.post("/score")
async def score(request: Request) -> list[int]:
    """Answer {"data": [[number, …], …]} with labels."""
    labels: list[int] = model.predict(np.array(json.loads(await request.body())["data"])).tolist()
    return labels


if __name__ == "__main__":
    owner.watch()
    uvicorn.run(app, host="127.0.0.1", port=int(os.environ["PORT"]))
