import pg from "pg";
import { OLD_TRANSACTIONS } from "../model/transaction-ids";
import type { Check } from "./check";
import type { Client } from "./connect";
import { shown } from "./shown";

/** The age at which PostgreSQL stops all changes, minus a reserve of three million. https://www.postgresql.org/docs/17/routine-vacuuming.html */
const WRAPAROUND = 2 ** 31;

/** Seconds after which a prepared transaction is reported: programs that use them end them immediately. */
const FORGOTTEN = 600;

/** Finds problems that accumulate until the server stops working. */
export async function diagnoseWear(client: Client, instance: string, forgotten = FORGOTTEN): Promise<readonly Check[]> {
  const subject = `instance ${instance}`;
  const toChecks = (promise: string, problems: readonly string[]): readonly Check[] =>
    (problems.length === 0 ? [null] : problems).map((problem) => ({ subject, promise, problem }));
  return [
    ...toChecks("has no inactive replication slot", await findSlots(client)),
    ...toChecks("has no forgotten prepared transaction", await findPrepared(client, forgotten)),
    ...toChecks(`no database's oldest transaction ID is older than ${millions(OLD_TRANSACTIONS)} transactions`, await findOld(client)),
  ];
}

const millions = (count: number): string => `${Math.floor(count / 1_000_000)} million`;

/** A slot retains WAL until its consumer has read it, so an abandoned one fills the disk. It can be dropped from any database. */
async function findSlots(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; kept: string | null }>(
    `select slot_name as name, pg_size_pretty(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn)) as kept
       from pg_replication_slots where not active order by 1`,
  );
  return rows.map(
    ({ name, kept }) =>
      `replication slot ${shown(name)} is inactive, and retains ${kept ?? "no"} WAL; if its consumer is permanently gone, run as a role with REPLICATION (rds_replication on RDS): SELECT pg_drop_replication_slot(${pg.escapeLiteral(shown(name))})`,
  );
}

/**
 * Reports the older of the two counters, because freezing resets both. An invalid database is never frozen, and does not have to be.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/appendix.postgresql.commondbatasks.autovacuumbehavior.html
 */
async function findOld(client: Client): Promise<readonly string[]> {
  const { rows } = await client.query<{ name: string; transactions: number; multixacts: number }>(
    `select datname as name, age(datfrozenxid) as transactions, mxid_age(datminmxid) as multixacts from pg_database
      where greatest(age(datfrozenxid), mxid_age(datminmxid)) > ${OLD_TRANSACTIONS} and datconnlimit <> -2
      order by greatest(age(datfrozenxid), mxid_age(datminmxid)) desc, 1 limit 5`,
  );
  return rows.map(({ name, transactions, multixacts }) => {
    const [what, age, unit] =
      transactions >= multixacts ? ["transaction ID", transactions, "transactions"] : ["multixact ID", multixacts, "multixacts"];
    return `the oldest ${what} of ${shown(name)} is ${millions(age)} ${unit} old, and the server stops all changes at ${millions(WRAPAROUND)}; end the oldest transactions (pg_stat_activity.backend_xmin, pg_prepared_xacts) and replication slots, then run in that database as its owner: VACUUM (FREEZE)`;
  });
}

/** A prepared transaction that nobody ends keeps its locks and old row versions, even across restarts. */
async function findPrepared(client: Client, seconds: number): Promise<readonly string[]> {
  const { rows } = await client.query<{ id: string; database: string; owner: string }>(
    `select gid as id, database, owner from pg_prepared_xacts where prepared < now() - $1 * interval '1 second' order by prepared limit 5`,
    [seconds],
  );
  return rows.map(
    ({ id, database, owner }) =>
      `prepared transaction ${shown(id)} in ${shown(database)} keeps its locks; if its program is gone, run in that database as ${shown(owner)}: ROLLBACK PREPARED ${pg.escapeLiteral(id).trim()}`,
  );
}
