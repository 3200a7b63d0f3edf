import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { openPostgres } from "../../../constructs/provisioning/import/postgres";
import { Mover } from "../../fixtures/mover";
import { startServer, type TestServer } from "../../fixtures/server";

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server?.stop());

const TABLES = `create table parent (name citext primary key); create table child (name citext references parent);
  create sequence apart; create function short(text) returns boolean language sql as 'select length($1) < 9'; alter table child add check (short(name::text));`;

describe("an import from PostgreSQL", () => {
  it("compares keys as their own types do, which may ignore case", async () => {
    const [source, target] = [await Mover.create(server, "source", ""), await Mover.create(server, "target", "")];
    for (const each of [source, target]) await each.sql(`create extension citext schema public; ${TABLES}`);
    await source.sql("insert into parent values ('ABC'); insert into child values ('abc')");
    const from = () => openPostgres({ server: server.access.server, credential: source.credential, database: "source" });
    const { copied } = await target.import(from, { withoutOrphans: true }, { revision: null });
    expect(copied.orphans).toEqual([]);
    expect(await target.sql("select name from child")).toEqual([{ name: "abc" }]);
  });

  it("names tables and sequences that the login may not read", async () => {
    const source = await Mover.create(server, "closed", "create table t (id serial); create sequence apart");
    await server.sql("create role reader login password 'reader'; grant connect on database closed to reader");
    await source.sql("grant usage on schema public to reader; grant select on t to reader");
    const opened = await openPostgres({
      server: server.access.server,
      credential: { username: "reader", password: "reader" },
      database: "closed",
    });
    expect(opened.problems).toEqual([
      expect.stringMatching(/^database closed on .*: this login may not read apart, t_id_seq; grant it SELECT on them$/),
    ]);
    await opened.close();
  });
});
