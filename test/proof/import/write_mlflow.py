"""Writes what people write into the MLflow that MLFLOW_TRACKING_URI names, of any version from 2.16 on. Argument: how many runs."""

import math
import sys

import mlflow
from mlflow.entities import Metric, Param, RunTag
from mlflow.tracking import MlflowClient

RUNS = int(sys.argv[1])
ODD = "tab\t back\\slash \\N \\. new\nline ' \" \u00e4 \u6f22 \U0001f600 \u2028 %s {} end"
client = MlflowClient()


def write_runs():
    for number in range(3):
        experiment = client.create_experiment(f"experiment {number}", tags={"odd": ODD})
        for index in range(RUNS):
            run = client.create_run(experiment, run_name=f"run {index} \u00e4", tags={"mlflow.user": "o'hara"})
            identifier = run.info.run_id
            metrics = [
                Metric("loss", value, 1_700_000_000_000 + step, step)
                for step, value in enumerate([0.1, 1 / 3, 1e-300, -0.0, math.nan, math.inf, -math.inf, 1e22, 5e-324, float(index)])
            ]
            params = [Param("odd", ODD), Param("empty", ""), Param("long", "x" * 6_000), Param("lr", "0.001")]
            client.log_batch(identifier, metrics + [Metric("last", math.nan, 1_700_000_000_000, 0)], params, [RunTag("odd", ODD)])
            client.set_terminated(identifier, "FAILED" if index == 0 else "FINISHED")
        client.delete_run(identifier)
    client.delete_experiment(experiment)


def write_models():
    for number in range(2):
        name = f"model \u00e4 {number}"
        client.create_registered_model(name, tags={"odd": ODD}, description=ODD)
        for _ in range(2):
            client.create_model_version(name, "s3://bucket/models/m-1", tags={"odd": ODD}, description="x" * 4_000)
        client.set_registered_model_alias(name, "champion", "2")


def write_traces():
    mlflow.set_experiment("experiment 0")
    for number in range(5):
        with mlflow.start_span("outer", span_type="CHAIN", attributes={"odd": ODD}) as outer:
            outer.set_inputs({"question": ODD, "number": number})
            with mlflow.start_span("inner") as inner:
                inner.set_outputs([1, 2.5, None, {"a": "\u6f22"}])
            outer.set_outputs("answer")
    flush = getattr(mlflow, "flush_trace_async_logging", None)
    if flush is not None:
        flush()


def write_of_version_3():
    mlflow.set_experiment("experiment 1")
    model = mlflow.initialize_logged_model("logged", params={"depth": "3"}, tags={"odd": ODD})
    mlflow.finalize_logged_model(model.model_id, "READY")
    with mlflow.start_run(run_name="with a model"):
        mlflow.log_metric("accuracy", 0.75, model_id=model.model_id, step=3)
        mlflow.log_text("an artifact", "folder/text.txt")
    for trace in mlflow.search_traces(locations=[client.get_experiment_by_name("experiment 0").experiment_id], return_type="list")[:2]:
        mlflow.log_feedback(trace_id=trace.info.trace_id, name="good", value=True, rationale=ODD)
        mlflow.log_expectation(trace_id=trace.info.trace_id, name="wanted", value={"a": [1, 2]})
    mlflow.genai.register_prompt(name="prompt", template="Say {{ what }}", commit_message=ODD)


write_runs()
# The file store of version 2 knows no models without a registry, and no spans.
if mlflow.__version__.startswith("3."):
    write_models()
    write_traces()
    write_of_version_3()
else:
    write_models()
print(client.search_experiments(max_results=1)[0].experiment_id)
