"""Writes what people write into the Prefect that PREFECT_API_URL names: flows that run, and what they leave."""

import asyncio
import time

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_markdown_artifact, create_table_artifact
from prefect.blocks.system import Secret
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate, WorkPoolCreate
from prefect.states import Scheduled
from prefect.variables import Variable

ODD = "tab\t back\\slash \\N new\nline ' \" \u00e4 \u6f22 \U0001f600 \u2028 %s {} end"


@task(retries=1)
def step(number: int) -> float:
    time.sleep(0.05)
    if number == 2:
        raise ValueError(ODD)
    return number / 3


@flow(name="flow \u00e4", log_prints=True)
def outer(numbers: list[int], odd: str = ODD):
    get_run_logger().warning(ODD)
    for number in numbers:
        step(number)
    create_markdown_artifact(markdown=ODD, key="report")
    create_table_artifact(table=[{"a": 1.5, "b": ODD}, {"a": float("1e22"), "b": None}], key="table")
    inner()


@flow
def inner():
    print("inner")


async def write_more():
    async with get_client() as client:
        await client.create_work_pool(WorkPoolCreate(name="pool", type="process", base_job_template={}))
        identifier = await client.create_flow_from_name("flow \u00e4")
        deployment = await client.create_deployment(
            identifier, "deployment", work_pool_name="pool", parameters={"numbers": [1], "odd": ODD}, tags=["a", "b"], paused=True
        )
        await client.create_flow_run_from_deployment(deployment, state=Scheduled())
        await client.create_concurrency_limit("tag", 3)
        await client.create_global_concurrency_limit(GlobalConcurrencyLimitCreate(name="limit", limit=2, slot_decay_per_second=0.25))


for numbers in ([0, 1], [1, 2], [0, 0, 0]):
    try:
        outer(numbers)
    except ValueError:
        pass
Variable.set("settings", {"odd": ODD, "list": [1, 2.5, None]})
Variable.set("number", 3)
Secret(value=f"canary {ODD}").save("secret")
asyncio.run(write_more())
