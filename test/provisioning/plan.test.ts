import { describe, expect, it } from "vitest";
import type { Observed, ObservedServer } from "../../constructs/provisioning/observe";
import { findShortage, plan, refuseServer } from "../../constructs/provisioning/plan";
import { tenant } from "../fixtures/tenants";

const server: ObservedServer = {
  version: 170010,
  master: "master",
  superuser: false,
  createRole: true,
  createDatabase: true,
  readOnly: null,
  resetRole: null,
  maxConnections: 100,
};
const empty: Observed = { server, roles: {}, memberships: [], databases: {}, roleParameters: [] };
const desired = (change = {}) => ({ ...tenant("ml", change), storedLogins: ["ml_a", "ml_b"] });

describe("a server that has fewer connections than platforms need", () => {
  const limited = desired({ logins: [60, 60].map((connectionLimit, index) => ({ name: `ml_${"ab"[index]}`, connectionLimit })) });
  const other = { ...limited, owner: "other_owner" };

  it("is refused, and the restart named that a static parameter waits for", () => {
    const restart = "aws rds reboot-db-instance --db-instance-identifier main";
    expect(findShortage([limited, other], server, restart)).toBe(
      `max_connections is 100, but the platforms need 120; make sure that it is set, restart the server with ${restart} (after any larger size that waits for the maintenance window), and run this again`,
    );
    expect(findShortage([limited, other], server, null)).toBe(
      "max_connections is 100, but the platforms need 120; make sure that it is set, restart the server (after any larger size that waits for the maintenance window), and run this again",
    );
  });

  it("is taken where they fit: only one of a platform's logins is in use at a time", () => {
    expect(findShortage([limited], server, null)).toBeNull();
    expect(findShortage([limited, other], { ...server, maxConnections: 120 }, null)).toBeNull();
  });
});

describe("refuseServer", () => {
  it.each<[Partial<ObservedServer>, string | null]>([
    [{}, null],
    [{ version: 150018 }, null],
    [{ version: 140013 }, "PostgreSQL 14.13 is too old; use 15 or newer"],
    [
      { version: 150009 },
      "PostgreSQL 15.9 ignores ALTER ROLE ... SET role, so tables would belong to the logins; update to the next minor version",
    ],
    [
      { version: 160005 },
      "PostgreSQL 16.5 ignores ALTER ROLE ... SET role, so tables would belong to the logins; update to the next minor version",
    ],
    [
      { version: 170001 },
      "PostgreSQL 17.1 ignores ALTER ROLE ... SET role, so tables would belong to the logins; update to the next minor version",
    ],
    [{ readOnly: "standby" }, "the server is read-only; connect to the primary, not to a replica or a standby"],
    [
      { readOnly: "setting" },
      'the server is read-only, because default_transaction_read_only is on; set it to off in the server\'s configuration, or run: ALTER ROLE "master" RESET default_transaction_read_only',
    ],
    [{ createRole: false }, 'master may not create roles and databases; run as an administrator: ALTER ROLE "master" CREATEROLE CREATEDB'],
    [{ superuser: true, createRole: false, createDatabase: false }, null],
  ])("says of %o: %s", (change, sentence) => {
    expect(refuseServer({ ...server, ...change })).toBe(sentence);
  });
});

describe("plan", () => {
  const sql = (observed: Observed, change = {}) => plan("test", [desired(change)], observed).steps.map((step) => step.sql);

  it("is readable, and has no password in it", () => {
    const { steps } = plan("test", [desired({ createDatabase: true, loginParameters: { timezone: "UTC" } })], empty);
    expect(steps.map((step) => `${step.sql}${step.passwordOf === null ? "" : ` PASSWORD <of ${step.passwordOf}>`}`)).toEqual([
      'CREATE ROLE "ml_owner" NOLOGIN CREATEDB',
      `COMMENT ON ROLE "ml_owner" IS 'platform-postgres: environment test'`,
      'GRANT "ml_owner" TO CURRENT_USER WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "ml_a" LOGIN CREATEDB CONNECTION LIMIT 5 PASSWORD <of ml_a>',
      'GRANT "ml_owner" TO "ml_a" WITH INHERIT TRUE, SET TRUE',
      'CREATE ROLE "ml_b" LOGIN CREATEDB CONNECTION LIMIT 5 PASSWORD <of ml_b>',
      'GRANT "ml_owner" TO "ml_b" WITH INHERIT TRUE, SET TRUE',
      `CREATE DATABASE "ml" OWNER "ml_owner" TEMPLATE template0 ENCODING 'UTF8'`,
      'REVOKE ALL ON DATABASE "ml" FROM PUBLIC',
      `ALTER ROLE "ml_a" IN DATABASE "ml" SET "role" = 'ml_owner'`,
      `ALTER ROLE "ml_a" IN DATABASE "postgres" SET "role" = 'ml_owner'`,
      `ALTER ROLE "ml_a" IN DATABASE "ml" SET "timezone" = 'UTC'`,
      `ALTER ROLE "ml_b" IN DATABASE "ml" SET "role" = 'ml_owner'`,
      `ALTER ROLE "ml_b" IN DATABASE "postgres" SET "role" = 'ml_owner'`,
      `ALTER ROLE "ml_b" IN DATABASE "ml" SET "timezone" = 'UTC'`,
    ]);
  });

  it("never drops anything, nor takes a right from anybody but PUBLIC", () => {
    const foreign: Observed = {
      ...empty,
      databases: {
        ml: {
          owner: "master",
          allowsConnections: true,
          connectionLimit: -1,
          parameters: [],
          grants: [
            { grantee: "", privilege: "CONNECT" },
            { grantee: "guest", privilege: "CONNECT" },
          ],
        },
      },
    };
    expect(sql(foreign).filter((statement) => /\b(DROP|REVOKE)\b/.test(statement))).toEqual(['REVOKE ALL ON DATABASE "ml" FROM PUBLIC']);
  });

  it("grants roles to the master with ADMIN OPTION up to 15, where creating them did not", () => {
    const old = { ...empty, server: { ...server, version: 150018 } };
    expect(sql(old).filter((statement) => statement.includes("CURRENT_USER"))).toEqual([
      'GRANT "ml_owner" TO CURRENT_USER WITH ADMIN OPTION',
      'GRANT "ml_a" TO CURRENT_USER WITH ADMIN OPTION',
      'GRANT "ml_b" TO CURRENT_USER WITH ADMIN OPTION',
    ]);
  });

  it("grants a superuser nothing, who needs nothing", () => {
    expect(sql({ ...empty, server: { ...server, superuser: true } }).filter((statement) => statement.includes("CURRENT_USER"))).toEqual([]);
  });

  it("runs nothing where there is a problem that only somebody else can mend", () => {
    const role = {
      canLogin: true,
      superuser: true,
      createDatabase: false,
      createRole: false,
      inherits: true,
      connectionLimit: -1,
      expires: null,
      comment: null,
    };
    const observed: Observed = {
      ...empty,
      roles: { ml_a: role },
      memberships: [{ role: "ml_a", member: "master", admin: true, inheritAndSet: true }],
      databases: { ml: { owner: "postgres", allowsConnections: true, connectionLimit: -1, parameters: [], grants: [] } },
    };
    expect(plan("test", [desired()], observed)).toEqual({
      steps: [],
      problems: [
        'role ml_a may do more than a platform should; run as an administrator: ALTER ROLE "ml_a" NOSUPERUSER NOREPLICATION NOBYPASSRLS',
        'database ml belongs to postgres; run as postgres: ALTER DATABASE "ml" OWNER TO "master"',
      ],
    });
  });

  it("advises what can be done where another platform has created a database of that name", () => {
    const keeper = {
      canLogin: false,
      superuser: false,
      createDatabase: true,
      createRole: false,
      inherits: true,
      connectionLimit: -1,
      expires: null,
      comment: "platform-postgres: environment test",
    };
    const observed: Observed = {
      ...empty,
      roles: { kfp_owner: keeper },
      databases: { ml: { owner: "kfp_owner", allowsConnections: true, connectionLimit: -1, parameters: [], grants: [] } },
    };
    const problem =
      'database ml belongs to kfp_owner, which created it; name another one in the platform\'s databases, or run as master: ALTER DATABASE "ml" RENAME TO "ml_of_kfp_owner"';
    for (const superuser of [true, false])
      expect(plan("test", [desired()], { ...observed, server: { ...server, superuser } }).problems).toEqual([problem]);
  });
});
