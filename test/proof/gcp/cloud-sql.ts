import { webcrypto as crypto } from "node:crypto";
import { createServer as createHttpServer, type Server as HttpServer } from "node:http";
import { type AddressInfo, connect, type Socket } from "node:net";
import { createServer as createTlsServer, connect as secure, type Server as TlsServer } from "node:tls";
import "reflect-metadata";
import * as x509 from "@peculiar/x509";
import { MissingTool } from "../tools";

/** Where every instance listens for proxies. */
const PORT = 3307;
const RSA = { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256", publicExponent: new Uint8Array([1, 0, 1]), modulusLength: 2048 } as const;
const HOUR = 3_600_000;
const TOKEN = "token-of-the-pod";

/** Asks a PostgreSQL for TLS. https://www.postgresql.org/docs/17/protocol-message-formats.html */
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 4, 210, 22, 47]);

/**
 * A double of one instance of Cloud SQL, as the Auth Proxy sees it: the Admin API, which says where the instance is and signs
 * certificates for an hour; and the instance's own side, which takes nothing but those, in front of a local PostgreSQL. Beside it is the
 * metadata server, which gives pods their tokens.
 */
export class CloudSqlDouble {
  private readonly sockets = new Set<Socket>();
  /** What was asked of the Admin API. */
  readonly asked: string[] = [];
  /** Connections that came through a proxy. */
  connections = 0;

  private constructor(
    private readonly connectionName: string,
    private readonly authority: { readonly certificate: x509.X509Certificate; readonly keys: CryptoKeyPair },
    private readonly api: HttpServer,
    private readonly instance: TlsServer,
  ) {}

  /** @param postgres a server on this machine, which asks for TLS. */
  static async start(connectionName: string, postgres: { readonly port: number }): Promise<CloudSqlDouble> {
    x509.cryptoProvider.set(crypto);
    const keys = await crypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
    const certificate = await x509.X509CertificateGenerator.createSelfSigned({
      name: "CN=Google Cloud SQL Server CA",
      keys,
      signingAlgorithm: RSA,
      notAfter: new Date(Date.now() + HOUR),
      extensions: [new x509.BasicConstraintsExtension(true, 0, true)],
    });
    const authority = { certificate, keys };
    const own = await crypto.subtle.generateKey(RSA, true, ["sign", "verify"]);
    const [project, , name] = connectionName.split(":");
    const server = await sign(authority, `${project}:${name}`, own.publicKey);
    const key = x509.PemConverter.encode(await crypto.subtle.exportKey("pkcs8", own.privateKey), "PRIVATE KEY");
    const ca = certificate.toString("pem");
    const instance = createTlsServer({ cert: server, key, ca, requestCert: true, rejectUnauthorized: true, minVersion: "TLSv1.3" });
    const double = new CloudSqlDouble(connectionName, authority, createHttpServer(), instance);
    instance.on("secureConnection", (client) => double.forward(client, postgres.port));
    double.api.on("request", async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const { status, content } = await double.answer(
        request.method ?? "",
        request.url ?? "",
        request.headers.authorization,
        Buffer.concat(chunks).toString(),
      );
      response.writeHead(status, { "content-type": "application/json", "metadata-flavor": "Google" }).end(JSON.stringify(content));
    });
    await listen(instance, PORT);
    await listen(double.api, 0);
    return double;
  }

  /** All that the proxy's environment does not say: where these doubles are. */
  get variables(): Readonly<Record<string, string>> {
    const address = `127.0.0.1:${(this.api.address() as AddressInfo).port}`;
    return { CSQL_PROXY_SQLADMIN_API_ENDPOINT: `http://${address}/`, GCE_METADATA_HOST: address };
  }

  async stop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.api.closeAllConnections();
    await Promise.all([this.api, this.instance].map((server) => new Promise((resolve) => server.close(resolve))));
  }

  private async answer(method: string, path: string, authorization: string | undefined, body: string) {
    if (path.startsWith("/computeMetadata/"))
      return { status: 200, content: { access_token: TOKEN, expires_in: 3600, token_type: "Bearer" } };
    this.asked.push(`${method} ${path.split("?")[0]}`);
    if (authorization !== `Bearer ${TOKEN}`) return { status: 401, content: { error: { code: 401, message: "no token" } } };
    const [project, region, name] = this.connectionName.split(":");
    const instance = `/sql/v1beta4/projects/${project}/instances/${name}`;
    if (path.startsWith(`${instance}/connectSettings`)) {
      const serverCaCert = { kind: "sql#sslCert", cert: this.authority.certificate.toString("pem") };
      const ipAddresses = [{ type: "PRIVATE", ipAddress: "127.0.0.1" }];
      const kind = { kind: "sql#connectSettings", backendType: "SECOND_GEN", databaseVersion: "POSTGRES_17" };
      return { status: 200, content: { ...kind, region, serverCaCert, ipAddresses, serverCaMode: "GOOGLE_MANAGED_INTERNAL_CA" } };
    }
    if (path.startsWith(`${instance}:generateEphemeralCert`)) {
      const { public_key: pem } = JSON.parse(body) as { readonly public_key: string };
      const key = await crypto.subtle.importKey("spki", x509.PemConverter.decodeFirst(pem), RSA, true, ["verify"]);
      return {
        status: 200,
        content: { ephemeralCert: { kind: "sql#sslCert", cert: await sign(this.authority, "Google Cloud SQL Client", key) } },
      };
    }
    return { status: 404, content: { error: { code: 404, message: "The Cloud SQL instance does not exist." } } };
  }

  /** What a proxy sends, to PostgreSQL over TLS of its own, as the machine behind an instance does. */
  private forward(client: Socket, port: number): void {
    this.connections += 1;
    const plain = connect(port, "127.0.0.1");
    const end = () => {
      client.destroy();
      plain.destroy();
    };
    for (const socket of [client, plain]) {
      this.sockets.add(socket);
      socket.on("error", end).on("close", end);
    }
    plain.once("connect", () => plain.write(SSL_REQUEST));
    plain.once("data", () => {
      const server = secure({ socket: plain, rejectUnauthorized: false });
      server.on("error", end);
      client.pipe(server).pipe(client);
    });
  }
}

async function sign(
  { certificate, keys }: { readonly certificate: x509.X509Certificate; readonly keys: CryptoKeyPair },
  name: string,
  publicKey: CryptoKey,
): Promise<string> {
  const signed = await x509.X509CertificateGenerator.create({
    subject: `CN=${name}`,
    issuer: certificate.subject,
    notAfter: new Date(Date.now() + HOUR),
    signingAlgorithm: RSA,
    publicKey,
    signingKey: keys.privateKey,
    extensions: [new x509.BasicConstraintsExtension(false, undefined, true)],
  });
  return signed.toString("pem");
}

function listen(server: HttpServer | TlsServer, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", (error) => reject(new MissingTool(`port ${port} of this machine is in use (${error.message}); end what uses it`)));
    server.listen(port, "127.0.0.1", resolve);
  });
}

type CryptoKeyPair = crypto.CryptoKeyPair;
type CryptoKey = crypto.CryptoKey;
