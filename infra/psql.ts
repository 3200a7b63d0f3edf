import { lookup } from "node:dns/promises";
import { UserError } from "../constructs/model/errors";
import { dialled, type Server } from "../constructs/provisioning/connect";
import type { Credential } from "../constructs/provisioning/credential";

/**
 * Returns variables with which psql logs in as this program does: it connects to the near end of a tunnel, but verifies the server's name.
 *
 * https://www.postgresql.org/docs/17/libpq-envars.html
 *
 * @param caFile path of the CA's PEM text.
 * @throws UserError if the name to connect to does not resolve.
 */
export async function toPsqlVariables(
  server: Server,
  { username, password }: Credential,
  database: string,
  caFile: string,
): Promise<Readonly<Record<string, string>>> {
  const { host, port } = dialled(server);
  return {
    PGHOST: server.host,
    PGPORT: String(port),
    ...(server.via == null ? {} : { PGHOSTADDR: await addressOf(host) }),
    PGUSER: username,
    PGPASSWORD: password,
    PGDATABASE: database,
    PGSSLMODE: server.tls.mode,
    PGSSLROOTCERT: caFile,
  };
}

/** Returns the shell's variables without libpq's: PGSERVICE would send the password to another host. */
export const withoutLibpq = (variables: NodeJS.ProcessEnv): NodeJS.ProcessEnv =>
  Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("PG")));

/** Resolves a name, because libpq needs an address there. Most tunnels listen on 127.0.0.1 only. */
async function addressOf(host: string): Promise<string> {
  const found = await lookup(host, { verbatim: false }).catch(() => null);
  if (found === null) throw new UserError(`the name ${host} does not resolve; correct --via`);
  return found.address;
}
