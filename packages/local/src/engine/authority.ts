import { KeyObject, randomBytes } from "node:crypto";
import { createSecureContext, type SecureContext } from "node:tls";

import { BitString, Integer, OctetString, Utf8String } from "asn1js";
import {
  AttributeTypeAndValue,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  GeneralNames,
} from "pkijs";

const ISSUER = "claude-edge on this machine";

/** Names whose certificates are kept. One more costs 2 ms. */
const MAX_NAMES = 100;

const DAY_MS = 24 * 60 * 60_000;
/** Apple's programs refuse a certificate of more than 825 days. */
const VALID_MS = 365 * DAY_MS;

const COMMON_NAME = "2.5.4.3";
const SUBJECT_KEY = "2.5.29.14";
const KEY_USAGE = "2.5.29.15";
const SUBJECT_NAMES = "2.5.29.17";
const BASIC_CONSTRAINTS = "2.5.29.19";
const AUTHORITY_KEY = "2.5.29.35";
const EXTENDED_USAGE = "2.5.29.37";
const SERVER = "1.3.6.1.5.5.7.3.1";

/** Bits of the key usage, the highest first: signatures; certificates and lists of revoked ones. */
const SIGNS = new Uint8Array([0b1000_0000]);
const SIGNS_CERTIFICATES = new Uint8Array([0b0000_0110]);

/** The type of a subject's alternative name. */
const DNS_NAME = 2;

/**
 * The authority of a stack, which the containers' HTTPS is ended with, as the platform has one for each container. It is
 * made for the stack and kept in memory. pkijs writes certificates and leaves the keys to Node.
 */
export class Authority {
  /** Its certificate, as PEM. */
  readonly certificate: string;
  readonly #signing: KeyPair;
  /** One key for all names: they are the same server. */
  readonly #key: KeyPair;
  readonly #contexts = new Map<string, Promise<SecureContext>>();
  readonly #maxNames: number;

  private constructor(certificate: string, signing: KeyPair, key: KeyPair, maxNames: number) {
    this.certificate = certificate;
    this.#signing = signing;
    this.#key = key;
    this.#maxNames = maxNames;
  }

  static async create(maxNames = MAX_NAMES): Promise<Authority> {
    const [signing, key] = await Promise.all([newKey(), newKey()]);
    const certificate = await certify(ISSUER, signing.publicKey, signing, [
      extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: true, pathLenConstraint: 0 }), true),
      extension(KEY_USAGE, new BitString({ valueHex: SIGNS_CERTIFICATES, unusedBits: 1 }), true),
    ]);
    return new Authority(certificate, signing, key, maxNames);
  }

  /** What TLS for a name is ended with. */
  contextOf(name: string): Promise<SecureContext> {
    const context = this.#contexts.get(name) ?? this.#makeContext(name);
    // The newest last: the first is the one that was least recently used.
    this.#contexts.delete(name);
    this.#contexts.set(name, context);
    if (this.#contexts.size > this.#maxNames)
      this.#contexts.delete(this.#contexts.keys().next().value!);
    return context;
  }

  async #makeContext(name: string): Promise<SecureContext> {
    const certificate = await certify("intercepted", this.#key.publicKey, this.#signing, [
      extension(BASIC_CONSTRAINTS, new BasicConstraints({ cA: false }), true),
      extension(KEY_USAGE, new BitString({ valueHex: SIGNS, unusedBits: 7 }), true),
      extension(EXTENDED_USAGE, new ExtKeyUsage({ keyPurposes: [SERVER] })),
      extension(
        SUBJECT_NAMES,
        new GeneralNames({ names: [new GeneralName({ type: DNS_NAME, value: name })] }),
      ),
    ]);
    return createSecureContext({
      key: KeyObject.from(this.#key.privateKey).export({ type: "pkcs8", format: "pem" }),
      cert: certificate + this.certificate,
    });
  }
}

const newKey = () =>
  crypto.subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, true, ["sign", "verify"]);
type KeyPair = Awaited<ReturnType<typeof newKey>>;

/** A certificate, as PEM. */
async function certify(
  subject: string,
  key: KeyPair["publicKey"],
  issuer: KeyPair,
  extensions: Extension[],
): Promise<string> {
  const certificate = new Certificate();
  certificate.version = 2;
  certificate.serialNumber = new Integer({ valueHex: serialNumber() });
  certificate.subject.typesAndValues.push(commonName(subject));
  certificate.issuer.typesAndValues.push(commonName(ISSUER));
  // Clocks differ.
  certificate.notBefore.value = new Date(Date.now() - DAY_MS);
  certificate.notAfter.value = new Date(Date.now() + VALID_MS);
  await certificate.subjectPublicKeyInfo.importKey(key);
  // Python from 3.13 on wants both.
  const [ownId, issuerId] = await Promise.all([keyId(key), keyId(issuer.publicKey)]);
  certificate.extensions = [
    ...extensions,
    extension(SUBJECT_KEY, ownId),
    extension(AUTHORITY_KEY, new AuthorityKeyIdentifier({ keyIdentifier: issuerId })),
  ];
  await certificate.sign(issuer.privateKey, "SHA-256");
  const lines = Buffer.from(certificate.toSchema().toBER())
    .toString("base64")
    .match(/.{1,64}/g)!;
  return `-----BEGIN CERTIFICATE-----\n${lines.join("\n")}\n-----END CERTIFICATE-----\n`;
}

const commonName = (text: string) =>
  new AttributeTypeAndValue({ type: COMMON_NAME, value: new Utf8String({ value: text }) });

/** The identifier of a key: the SHA-1 of it, as everywhere. */
async function keyId(key: KeyPair["publicKey"]): Promise<OctetString> {
  const raw = await crypto.subtle.exportKey("raw", key);
  return new OctetString({ valueHex: await crypto.subtle.digest("SHA-1", raw) });
}

function extension(
  extnID: string,
  value: { toSchema(): { toBER(): ArrayBuffer } } | BitString | OctetString,
  critical = false,
): Extension {
  const der = "toSchema" in value ? value.toSchema() : value;
  return new Extension({ extnID, critical, extnValue: der.toBER() });
}

/** A positive number of 16 random bytes. */
function serialNumber(): Uint8Array {
  const bytes = new Uint8Array(randomBytes(16));
  bytes[0] = (bytes[0]! & 0x7f) | 0x40;
  return bytes;
}
