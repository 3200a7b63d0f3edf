"""Logs in by one driver and the address in ADDRESS, writes, and prints who it was, where, and over which TLS."""

import asyncio
import os
import sys

IDENTITY = "SELECT current_user, current_database()"
# As its own owner a session does not see its row.
RESET = "SET ROLE NONE"
TLS = "SELECT session_user, ssl, version FROM pg_stat_ssl WHERE pid = pg_backend_pid()"


def writes(driver):
    return ["CREATE TABLE IF NOT EXISTS proof (driver text)", f"INSERT INTO proof VALUES ('{driver}')"]


def with_dbapi(module, driver, address):
    with module.connect(address) as connection, connection.cursor() as cursor:
        for statement in writes(driver):
            cursor.execute(statement)
        connection.commit()
        cursor.execute(IDENTITY)
        identity = cursor.fetchone()
        cursor.execute(RESET)
        cursor.execute(TLS)
        return *identity, *cursor.fetchone()


async def with_asyncpg(driver, address):
    import asyncpg

    connection = await asyncpg.connect(address)
    for statement in writes(driver):
        await connection.execute(statement)
    identity = await connection.fetchrow(IDENTITY)
    await connection.execute(RESET)
    return *identity, *await connection.fetchrow(TLS)


def with_sqlalchemy(driver, address):
    from sqlalchemy import create_engine, text

    with create_engine(address).connect() as connection:
        return look(connection, driver, text)


async def with_async_sqlalchemy(driver, address):
    from sqlalchemy import text
    from sqlalchemy.ext.asyncio import create_async_engine

    engine = create_async_engine(address)
    async with engine.connect() as connection:
        seen = await connection.run_sync(lambda its: look(its, driver, text))
    await engine.dispose()
    return seen


def look(connection, driver, text):
    for statement in writes(driver):
        connection.execute(text(statement))
    connection.commit()
    identity = tuple(connection.execute(text(IDENTITY)).one())
    connection.execute(text(RESET))
    return *identity, *connection.execute(text(TLS)).one()


def connect(driver, address):
    if driver == "asyncpg":
        return asyncio.run(with_asyncpg(driver, address))
    if driver == "sqlalchemy-asyncpg":
        return asyncio.run(with_async_sqlalchemy(driver, address))
    if driver.startswith("sqlalchemy-"):
        return with_sqlalchemy(driver, address)
    return with_dbapi(__import__(driver), driver, address)


print(*connect(sys.argv[1], os.environ["ADDRESS"]))
