import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { local } from "../../constructs/local/target";
import type { JsonObject } from "../../constructs/model/json";
import { resolve } from "../../constructs/model/resolve";
import { wirePlatforms } from "../../constructs/model/wire";
import { platforms } from "../../constructs/platforms/registry";

/** The values of a release, as a person would read them. */
function valuesOf(name: "prefect" | "mlflow", settings: JsonObject): string {
  const environment = resolve({ name: "test", instances: { main: {} }, platforms: { [name]: settings } }, { target: local, platforms });
  const release = wirePlatforms(environment, platforms, () => ({ host: "db.example.internal", port: 5432, sidecar: null }))[name]?.wiring
    .release;
  return release?.kind === "helm" ? stringify(release.values, { lineWidth: 0 }) : "";
}

describe("values", () => {
  it("of Prefect start no second server, and one Deployment that migrates itself", () => {
    expect(valuesOf("prefect", {})).toMatchInlineSnapshot(`
      "fullnameOverride: prefect
      commonAnnotations:
        secret.reloader.stakater.com/reload: prefect-db
      postgresql:
        enabled: false
      sqlite:
        enabled: false
      externalDatabase:
        existingSecret: prefect-db
        connectionStringSecretKey: connection-string
      global:
        prefect:
          env:
            - name: PGSSLMODE
              value: verify-full
            - name: PGSSLROOTCERT
              value: /etc/platform-postgres/ca.pem
            - name: PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE
              value: "5"
            - name: PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW
              value: "5"
          image:
            repository: prefecthq/prefect
            prefectTag: 3.8.3-python3.11
      server:
        replicaCount: 1
        extraVolumes:
          - name: db-ca
            configMap:
              name: prefect-db-ca
        extraVolumeMounts:
          - name: db-ca
            mountPath: /etc/platform-postgres
            readOnly: true
      backgroundServices:
        runAsSeparateDeployment: false
      "
    `);
  });

  it("of Prefect with Redis run background services apart, and migrate in a Job", () => {
    expect(valuesOf("prefect", { redisHost: "redis.example.internal", redisSecret: "redis", replicas: 2 })).toMatchInlineSnapshot(`
      "fullnameOverride: prefect
      commonAnnotations:
        secret.reloader.stakater.com/reload: prefect-db
      postgresql:
        enabled: false
      sqlite:
        enabled: false
      externalDatabase:
        existingSecret: prefect-db
        connectionStringSecretKey: connection-string
      global:
        prefect:
          env:
            - name: PGSSLMODE
              value: verify-full
            - name: PGSSLROOTCERT
              value: /etc/platform-postgres/ca.pem
            - name: PREFECT_SERVER_DATABASE_SQLALCHEMY_POOL_SIZE
              value: "5"
            - name: PREFECT_SERVER_DATABASE_SQLALCHEMY_MAX_OVERFLOW
              value: "5"
          image:
            repository: prefecthq/prefect
            prefectTag: 3.8.3-python3.11
      server:
        replicaCount: 2
        extraVolumes:
          - name: db-ca
            configMap:
              name: prefect-db-ca
        extraVolumeMounts:
          - name: db-ca
            mountPath: /etc/platform-postgres
            readOnly: true
      backgroundServices:
        runAsSeparateDeployment: true
        replicaCount: 1
        messaging:
          redis:
            host: redis.example.internal
            port: 6379
            existingSecret: redis
          docket:
            existingSecret: redis
        extraVolumes:
          - name: db-ca
            configMap:
              name: prefect-db-ca
        extraVolumeMounts:
          - name: db-ca
            mountPath: /etc/platform-postgres
            readOnly: true
      migrations:
        enabled: true
        entrypoint:
          - /bin/bash
          - -c
        extraVolumes:
          - name: db-ca
            configMap:
              name: prefect-db-ca
        extraVolumeMounts:
          - name: db-ca
            mountPath: /etc/platform-postgres
            readOnly: true
      "
    `);
  });

  it("of MLflow replace the built-in migration by one with TLS, and never overlap", () => {
    expect(valuesOf("mlflow", { replicas: 2 })).toMatchInlineSnapshot(`
      "fullnameOverride: mlflow
      replicaCount: 2
      deploymentAnnotations:
        secret.reloader.stakater.com/reload: mlflow-db
      strategy:
        type: Recreate
      backendStore:
        databaseConnectionCheck: false
        databaseMigration: false
        postgres:
          enabled: true
          host: db.example.internal
          port: 5432
          database: mlflow
          driver: psycopg2
        existingDatabaseSecret:
          name: mlflow-db
          usernameKey: username
          passwordKey: password
      extraArgs:
        workers: "2"
      extraEnvVars:
        PGSSLMODE: verify-full
        PGSSLROOTCERT: /etc/platform-postgres/ca.pem
        MLFLOW_SQLALCHEMYSTORE_POOL_SIZE: "3"
        MLFLOW_SQLALCHEMYSTORE_MAX_OVERFLOW: "2"
        MLFLOW_SERVER_ENABLE_JOB_EXECUTION: "false"
      extraVolumes:
        - name: db-ca
          configMap:
            name: mlflow-db-ca
      extraVolumeMounts:
        - name: db-ca
          mountPath: /etc/platform-postgres
          readOnly: true
      initContainers:
        - name: migrate
          image: burakince/mlflow:3.15.1
          command:
            - python
            - -c
            - |-
              from sqlalchemy import text
              from mlflow.store.db import utils
              engine = utils.create_sqlalchemy_engine_with_retry("postgresql+psycopg2://")
              lock = engine.connect()
              lock.execute(text("select pg_advisory_lock(20260814)"))
              utils._initialize_tables(engine)
              lock.close()
          env:
            - name: PGHOST
              value: db.example.internal
            - name: PGPORT
              value: "5432"
            - name: PGDATABASE
              value: mlflow
            - name: PGUSER
              valueFrom:
                secretKeyRef:
                  name: mlflow-db
                  key: username
            - name: PGPASSWORD
              valueFrom:
                secretKeyRef:
                  name: mlflow-db
                  key: password
            - name: PGSSLMODE
              value: verify-full
            - name: PGSSLROOTCERT
              value: /etc/platform-postgres/ca.pem
          securityContext:
            allowPrivilegeEscalation: false
            readOnlyRootFilesystem: true
            runAsNonRoot: true
            runAsUser: 1001
            capabilities:
              drop:
                - ALL
          volumeMounts:
            - name: tmp
              mountPath: /tmp
            - name: db-ca
              mountPath: /etc/platform-postgres
              readOnly: true
      image:
        repository: burakince/mlflow
        tag: 3.15.1
        digest: ""
      "
    `);
  });
});
