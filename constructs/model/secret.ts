import type { Connection, ProcessText, SecretTemplate } from "./platform";

/** A Secret with only user name and password. */
export const PLAIN_SECRET = {
  username: [{ field: "username", encoding: "raw" }],
  password: [{ field: "password", encoding: "raw" }],
} as const satisfies Readonly<Record<string, SecretTemplate>>;

/** Returns a database's URL with the login, without parameters. */
export function databaseUrl(scheme: string, { host, port }: Connection, database: string): SecretTemplate & ProcessText {
  return [
    `${scheme}://`,
    { field: "username", encoding: "url" },
    ":",
    { field: "password", encoding: "url" },
    `@${host}:${port}/${database}`,
  ];
}
