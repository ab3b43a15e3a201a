"""What people write instead of `ferroflow serve`: FastAPI and ONNX Runtime, for `make bench-serving`.

    python benches/fastapi_onnx.py convert model.onnx --pipeline pipeline.joblib
    python benches/fastapi_onnx.py serve model.onnx --port 8000
    python benches/fastapi_onnx.py in-process model.onnx

The second answers `POST /predict` as ferroflow's server does: the same JSON in and out, every column checked by pydantic,
and Prometheus counters on. The third prints the microseconds of one row in process, without HTTP.
"""

import argparse
import json
import time
from pathlib import Path

import numpy as np
import onnxruntime as ort


def convert(pipeline: Path, path: Path) -> None:
    import joblib
    from skl2onnx import to_onnx

    fitted, names = joblib.load(pipeline)
    model = to_onnx(fitted, np.zeros((1, len(names)), np.float32), options={"zipmap": False})
    model.metadata_props.add(key="names", value=json.dumps(names))
    path.write_bytes(model.SerializeToString())


def session_of(path: Path) -> tuple[ort.InferenceSession, list[str]]:
    options = ort.SessionOptions()
    options.intra_op_num_threads = 1
    session = ort.InferenceSession(path, options)
    return session, json.loads(session.get_modelmeta().custom_metadata_map["names"])


def app_of(session: ort.InferenceSession, names: list[str]):
    from fastapi import FastAPI, Response
    from prometheus_client import Counter, Histogram, generate_latest
    from pydantic import BaseModel, ConfigDict, Field, create_model

    strict = ConfigDict(extra="forbid")
    Row = create_model("Row", __config__=strict, **dict.fromkeys(names, (float, ...)))
    Request = create_model(
        "Request", __config__=strict, rows=(list[Row], Field(min_length=1, max_length=100_000))
    )

    class Answer(BaseModel):
        ids: list[str]
        predictions: list[bool]
        probabilities: list[list[float]]

    app = FastAPI()
    requests, rows = Counter("requests", "Requests"), Counter("rows", "Rows")
    seconds = Histogram("seconds", "Seconds")
    state = {"next": 0}

    @app.get("/health")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/metrics")
    async def metrics() -> Response:
        return Response(generate_latest(), media_type="text/plain")

    @app.post("/predict")
    async def predict(request: Request) -> Answer:  # type: ignore[valid-type]
        start = time.perf_counter()
        table = np.array([[getattr(row, name) for name in names] for row in request.rows], np.float32)
        labels, probabilities = session.run(None, {"X": table})
        first = state["next"]
        state["next"] += len(table)
        answer = Answer(
            ids=[f"a-{first + i}" for i in range(len(table))],
            predictions=labels.tolist(),
            probabilities=probabilities.tolist(),
        )
        requests.inc()
        rows.inc(len(table))
        seconds.observe(time.perf_counter() - start)
        return answer

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("what", choices=["convert", "serve", "in-process"])
    parser.add_argument("model", type=Path)
    parser.add_argument("--pipeline", type=Path)
    parser.add_argument("--port", type=int, default=8000)
    given = parser.parse_args()
    if given.what == "convert":
        convert(given.pipeline, given.model)
        return
    session, names = session_of(given.model)
    if given.what == "serve":
        import uvicorn

        uvicorn.run(
            app_of(session, names), port=given.port, loop="uvloop", http="httptools", log_level="warning"
        )
        return
    row = np.zeros((1, len(names)), np.float32)
    times = []
    for _ in range(200):
        start = time.perf_counter()
        for _ in range(100):
            session.run(None, {"X": row})
        times.append((time.perf_counter() - start) / 100)
    print(json.dumps({"us": 1e6 * min(times)}))


if __name__ == "__main__":
    main()
