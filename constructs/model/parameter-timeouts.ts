import { above, limitBelow, type Row, toRules } from "./parameter-row";

/** Milliseconds. */
const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** Timeouts that end what platforms do all the time. `doctor` looks for the same on the server. */
const BREAKING: readonly Row[] = [
  {
    parameter: "statement_timeout",
    effect: "breaks-migrations",
    chapter: "client",
    isHarmful: limitBelow(HOUR),
    rule: "ends the migrations of every platform when they take longer",
    remedy: "set it per query in the client",
    why: "The server ends every statement that takes longer, also one that builds an index in a migration, and the platform does not start.",
    passing: "1h",
    failing: "0x1388",
  },
  {
    parameter: "transaction_timeout",
    effect: "breaks-migrations",
    chapter: "client",
    isHarmful: limitBelow(HOUR),
    rule: "ends the migrations and dumps of every platform when they take longer",
    remedy: "set it per transaction in the client",
    why: "The server ends the session of every transaction that takes longer: migrations and pg_dump are one transaction each.",
    passing: "2h",
    failing: "5s",
  },
  {
    parameter: "lock_timeout",
    effect: "breaks-migrations",
    chapter: "client",
    isHarmful: limitBelow(5 * SECOND),
    rule: "ends migrations that wait for a lock of a running pod",
    remedy: "set it per query in the client, or to 5s or more",
    why: "During a rollout a migration waits for the transactions of running pods, and fails if the server does not let it wait.",
    passing: "10s",
    failing: "100ms",
  },
  {
    parameter: "idle_in_transaction_session_timeout",
    effect: "breaks-transactions",
    chapter: "client",
    isHarmful: limitBelow(MINUTE),
    rule: "ends sessions that compute between two statements of a transaction",
    remedy: "set it to 1min or more",
    why: "A platform that computes for a moment within a transaction loses its session and the transaction; idle ones are found at 1 to 10 minutes, too.",
    passing: "10min",
    failing: 1,
  },
  {
    parameter: "idle_session_timeout",
    effect: "breaks-pools",
    chapter: "client",
    isHarmful: limitBelow(10 * MINUTE),
    rule: "ends sessions of pools, and those that hold a migration's lock",
    remedy: "set it to 10min or more, or to 0",
    why: "Pools keep idle sessions for minutes, and Alembic's lock is held by one: three MLflow migrations at once failed with 300 ms.",
    passing: "1h",
    failing: "30s",
  },
  {
    parameter: "authentication_timeout",
    effect: "breaks-logins",
    chapter: "connection",
    isHarmful: limitBelow(5),
    rule: "rejects logins while the server is busy, because TLS and SCRAM take a few round trips",
    remedy: "set it to 5s or more; the default is 1min",
    why: "After a failover all pods log in at the same time, and a login that is not done by then is rejected.",
    passing: "30s",
    failing: "1s",
  },
];

/** Timeouts that cost speed, or end something under load. */
const COSTLY: readonly Row[] = [
  {
    parameter: "deadlock_timeout",
    effect: "costs-time",
    chapter: "locks",
    isHarmful: limitBelow(100),
    rule: "makes the server search for a deadlock at nearly every wait for a lock",
    remedy: "set it to 100ms or more; the default is 1s",
    why: "The search for a deadlock is expensive, and starts whenever a lock is waited for longer than that.",
    passing: "500ms",
    failing: "1ms",
  },
  {
    parameter: "deadlock_timeout",
    effect: "lets-deadlocks-last",
    chapter: "locks",
    isHarmful: above(10 * MINUTE),
    rule: "leaves deadlocked transactions waiting for that long",
    remedy: "set it to 10min or less; the default is 1s",
    why: "Nothing ends a deadlock before this time has passed, and everything that waits for its locks waits with it.",
    passing: "10s",
    failing: "1h",
  },
  {
    parameter: "tcp_user_timeout",
    effect: "ends-connections",
    chapter: "connection",
    isHarmful: limitBelow(5 * SECOND),
    rule: "ends connections over a network that pauses for a moment",
    remedy: "set it to 5s or more",
    why: "A connection ends when sent data has not been acknowledged for that long, as during a live migration of a machine.",
    passing: "15s",
    failing: 100,
  },
  {
    parameter: "wal_sender_timeout",
    effect: "ends-replication",
    chapter: "replication",
    isHarmful: limitBelow(10 * SECOND),
    rule: "disconnects replicas and logical subscribers that pause for a moment",
    remedy: "set it to 10s or more; the default is 1min",
    why: "A replica that is busy or far away is disconnected again and again, and falls behind.",
    passing: "30s",
    failing: "1s",
  },
  {
    parameter: "wal_receiver_timeout",
    effect: "ends-replication",
    chapter: "replication",
    isHarmful: limitBelow(10 * SECOND),
    rule: "makes replicas give up a primary that pauses for a moment",
    remedy: "set it to 10s or more; the default is 1min",
    why: "A replica reconnects again and again, and falls behind.",
    passing: "30s",
    failing: "1s",
  },
  {
    parameter: "checkpoint_timeout",
    effect: "makes-recovery-slow",
    chapter: "wal",
    isHarmful: above(3600),
    rule: "makes the server replay that much time of changes when it starts after a crash",
    remedy: "set it to 1h or less; the default is 5min",
    why: "After a crash or a failover everything since the last checkpoint is replayed before anyone can log in.",
    passing: "30min",
    failing: "1d",
  },
];

/** Rules about every parameter that is a timeout. */
export const timeoutRules = [...toRules("acknowledge", BREAKING), ...toRules("warning", COSTLY)];
