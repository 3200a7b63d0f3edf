import { isTransient, ProvisioningError } from "../errors";
import { nameOf } from "./catalogue";
import type { CopiedTable, Target } from "./compare";

/**
 * Commits what was copied, and has PostgreSQL measure the tables, so that its first queries are planned with them.
 *
 * @throws ProvisioningError if the session broke while it committed: then only a look tells.
 */
export async function keep({ client, database }: Pick<Target, "client" | "database">, tables: readonly CopiedTable[]): Promise<void> {
  try {
    await client.query("commit");
  } catch (error) {
    if (!isTransient(error)) throw error;
    throw new ProvisioningError(
      `database ${database}: the session ended while the rows were committed; look whether they are there before you run this again`,
    );
  }
  const names = tables.map(({ table }) => nameOf(table.name)).join(", ");
  // The rows are in, whatever becomes of this: autovacuum does it, too.
  if (names !== "") await client.query(`analyze ${names}`).catch(() => undefined);
}
