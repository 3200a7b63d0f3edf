"""Starts SkillFlaw once, alone, until it answers: it migrates at its start, and processes that start together would do so at once."""

import os
import signal
import subprocess
import sys
import time
import urllib.request

try:
    import psycopg as driver
except ImportError:
    import psycopg2 as driver

LOCK = 20261121
ADDRESS = "http://127.0.0.1:" + os.environ["MIGRATION_PORT"] + os.environ["MIGRATION_PATH"]
SECONDS = int(os.environ["MIGRATION_SECONDS"])


def answers():
    try:
        with urllib.request.urlopen(ADDRESS, timeout=2) as response:
            return response.status == 200
    except OSError:
        return False


def stop(server):
    server.terminate()
    try:
        # Well within the time that a pod has to end.
        server.wait(timeout=20)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()


# The first process of a container ignores what it does not handle.
signal.signal(signal.SIGTERM, lambda *_: sys.exit("ended from outside"))
connection = driver.connect(os.environ["SKILLFLAW_DATABASE_URL"])
connection.autocommit = True
cursor = connection.cursor()

# A server may limit sessions: the lock's is idle while the server below migrates. Which limits exist depends on PostgreSQL's version.
LIMITS = ["statement_timeout", "transaction_timeout", "lock_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout"]
cursor.execute("select name, set_config(name, '0', false) from pg_settings where name = any(%s)", (LIMITS,))
UNLIMITED = {"PGOPTIONS": " ".join("-c " + name + "=0" for name, _ in cursor.fetchall())}
try:
    driver.connect(os.environ["SKILLFLAW_DATABASE_URL"], options=UNLIMITED["PGOPTIONS"]).close()
except driver.OperationalError:
    # A pooler, which rejects such options.
    UNLIMITED = {}


def is_mine():
    cursor.execute("select pg_try_advisory_lock(%s)", (LOCK,))
    return cursor.fetchone()[0]


# Asked again and again: a statement that waited would hold a snapshot, and an index that another pod makes concurrently would wait for it.
# Whoever holds the lock lets go after MIGRATION_SECONDS at the latest; one that dies loses it with its session.
while not is_mine():
    print("another pod migrates; waiting", flush=True)
    time.sleep(2)
deadline = time.monotonic() + SECONDS
server = subprocess.Popen([*sys.argv[1:], "--host", "127.0.0.1", "--port", os.environ["MIGRATION_PORT"]], env={**os.environ, **UNLIMITED})
try:
    while not answers():
        if server.poll() is not None:
            sys.exit("the server ended with " + str(server.returncode) + " before it answered; see its log above")
        if time.monotonic() > deadline:
            sys.exit("the server did not answer on " + ADDRESS + " in time; see its log above")
        time.sleep(1)
finally:
    stop(server)
connection.close()
