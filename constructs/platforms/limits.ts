/**
 * Session limits with which a server can end a migration: its long statements, or the idle session with its lock. 0 lifts each. The
 * chart's `migrate.py` of SkillFlaw has the same list; a test compares them.
 *
 * https://www.postgresql.org/docs/17/runtime-config-client.html
 */
export const LIMITS = [
  "statement_timeout",
  "transaction_timeout",
  "lock_timeout",
  "idle_session_timeout",
  "idle_in_transaction_session_timeout",
] as const;

/** Limits that a session can lift at its start with any server version: those before 17 reject `transaction_timeout`. A pooler rejects all. */
export const LIFTED: readonly string[] = LIMITS.filter((name) => name !== "transaction_timeout").map((name) => `${name}=0`);
