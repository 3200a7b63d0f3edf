"""Writes by one driver from WORKERS threads, again and again, as a platform's pool does; prints a worker's number after each write."""

import asyncio
import os
import sys
import threading
import time

import sqlalchemy as sa

WORKERS, PAUSE = int(os.environ["WORKERS"]), 0.2
STATEMENT = sa.text(os.environ.get("STATEMENT", "INSERT INTO proof DEFAULT VALUES"))
# The platforms' own, and this project's.
POOL = {"pool_size": 5, "max_overflow": 10, "pool_pre_ping": True, "pool_recycle": 1800}


def wrote(worker):
    # One call: a line and its end must not part.
    sys.stdout.write(f"{worker}\n")
    sys.stdout.flush()


def write(engine, worker):
    while True:
        try:
            with engine.begin() as connection:
                connection.execute(STATEMENT)
            wrote(worker)
        except sa.exc.DBAPIError:
            pass
        time.sleep(PAUSE)


async def write_async(engine, worker):
    while True:
        try:
            async with engine.begin() as connection:
                await connection.execute(STATEMENT)
            wrote(worker)
        except (sa.exc.DBAPIError, OSError, asyncio.TimeoutError):
            pass
        await asyncio.sleep(PAUSE)


async def write_all_async(engine):
    await asyncio.gather(*(write_async(engine, worker) for worker in range(WORKERS)))


address = os.environ["ADDRESS"]
if "+asyncpg" in address:
    from sqlalchemy.ext.asyncio import create_async_engine

    # What Prefect passes: PREFECT_SERVER_DATABASE_CONNECTION_TIMEOUT and PREFECT_SERVER_DATABASE_TIMEOUT.
    asyncio.run(write_all_async(create_async_engine(address, connect_args={"timeout": 5, "command_timeout": 10}, **POOL)))
else:
    engine = sa.create_engine(address, **POOL)
    for worker in range(WORKERS):
        threading.Thread(target=write, args=(engine, worker)).start()
