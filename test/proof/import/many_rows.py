"""Fills a migrated file of MLflow with runs of 100 metrics, 20 params, tags and spans. Arguments: the file, and about how many rows."""

import json
import random
import sqlite3
import sys

FILE, ROWS = sys.argv[1], int(sys.argv[2])
SPANS = 40
# Of a run: itself, metrics and their last values, params, tags; a trace with its spans, tags and info.
PER_RUN = 1 + 100 + 10 + 20 + 3 + 1 + SPANS + 2
random.seed(22)
database = sqlite3.connect(FILE)


def columns(table):
    return [row[1] for row in database.execute(f"pragma table_xinfo({table})") if row[6] == 0]


def insert(table, rows):
    rows = list(rows)
    known = columns(table)
    names = [name for name in rows[0] if name in known]
    database.executemany(
        f"insert into {table} ({', '.join(names)}) values ({', '.join('?' * len(names))})", [[row[name] for name in names] for row in rows]
    )


START = 1_700_000_000_000
insert("experiments", [{"experiment_id": 7, "name": "many rows", "artifact_location": "s3://bucket/7", "lifecycle_stage": "active",
                        "creation_time": START, "last_update_time": START, "workspace": "default"}])
for number in range(ROWS // PER_RUN + 1):
    run = f"{number:032x}"
    trace = f"tr-{number:032x}"
    at = START + number * 60_000
    insert("runs", [{"run_uuid": run, "name": f"clever-bird-{number}", "source_type": "LOCAL", "source_name": "train.py", "user_id": "ann",
                     "status": "FINISHED", "start_time": at, "end_time": at + 59_000, "lifecycle_stage": "active",
                     "artifact_uri": f"s3://bucket/7/{run}/artifacts", "experiment_id": 7, "source_version": "", "entry_point_name": ""}])
    metrics = [{"key": f"loss_{step % 10}", "value": random.random(), "timestamp": at + step, "run_uuid": run, "step": step // 10,
                "is_nan": 0} for step in range(100)]
    insert("metrics", metrics)
    insert("latest_metrics", metrics[-10:])
    insert("params", [{"key": f"param_{index}", "value": f"value {random.random()}", "run_uuid": run} for index in range(20)])
    insert("tags", [{"key": f"tag_{index}", "value": f"tag\tof {number}", "run_uuid": run} for index in range(3)])
    insert("trace_info", [{"request_id": trace, "experiment_id": 7, "timestamp_ms": at, "execution_time_ms": 1_000, "status": "OK",
                           "client_request_id": None, "request_preview": "what?", "response_preview": "that"}])
    insert("trace_tags", [{"key": f"mlflow.tag_{index}", "value": "x", "request_id": trace} for index in range(2)])
    insert("spans", [{"trace_id": trace, "experiment_id": 7, "span_id": f"{number:08x}{span:08x}", "parent_span_id": None,
                      "name": f"span {span}", "type": "CHAIN", "status": "OK", "start_time_unix_nano": at * 1_000_000 + span,
                      "end_time_unix_nano": at * 1_000_000 + span + 12_345,
                      "content": json.dumps({"name": f"span {span}", "attributes": {"text": "x" * 150, "number": random.random()}}),
                      "dimension_attributes": None} for span in range(SPANS)])
database.commit()
names = [row[0] for row in database.execute("select name from sqlite_schema where type = 'table' and name not like 'sqlite_%'")]
print(sum(database.execute(f"select count(*) from {name}").fetchone()[0] for name in names if name != "alembic_version"))
