// Makes a key pair, a certification request and a PKCS #12 file in the reader's own browser. The private key is sent to nobody.
//
// What is needed of ASN.1 is written here: two structures of a few lines each, for which a library would have to be served,
// audited and kept. All cryptography is the browser's (WebCrypto).
"use strict";

const core = (() => {
  // --- DER ---

  const bytes = (...parts) => {
    const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      whole.set(part, at);
      at += part.length;
    }
    return whole;
  };

  const length = (n) => {
    if (n < 0x80) return Uint8Array.of(n);
    const octets = [];
    for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) octets.unshift(rest % 256);
    return Uint8Array.of(0x80 | octets.length, ...octets);
  };

  const element = (tag, ...contents) => {
    const content = bytes(...contents);
    return bytes(Uint8Array.of(tag), length(content.length), content);
  };

  const seq = (...contents) => element(0x30, ...contents);
  const set = (...contents) => element(0x31, ...contents);
  const octets = (content) => element(0x04, content);
  const bits = (content) => element(0x03, Uint8Array.of(0), content);
  const nothing = Uint8Array.of(0x05, 0x00);
  const text = (tag, value) => element(tag, new TextEncoder().encode(value));

  // A positive INTEGER of big-endian octets: no zero before it but the one that keeps it positive.
  const positive = (octetsOfNumber) => {
    let at = 0;
    while (at < octetsOfNumber.length - 1 && octetsOfNumber[at] === 0) at += 1;
    const digits = octetsOfNumber.slice(at);
    return element(0x02, digits[0] & 0x80 ? Uint8Array.of(0) : new Uint8Array(), digits);
  };

  const number = (n) => {
    const octetsOfNumber = [];
    for (let rest = n; rest > 0; rest = Math.floor(rest / 256)) octetsOfNumber.unshift(rest % 256);
    return positive(Uint8Array.from(octetsOfNumber.length ? octetsOfNumber : [0]));
  };

  const oid = (dotted) => {
    const [first, second, ...arcs] = dotted.split(".").map(Number);
    const octetsOfArcs = [first * 40 + second, ...arcs].flatMap((arc) => {
      const septets = [arc % 128];
      for (let rest = Math.floor(arc / 128); rest > 0; rest = Math.floor(rest / 128)) {
        septets.unshift((rest % 128) | 0x80);
      }
      return septets;
    });
    return element(0x06, Uint8Array.from(octetsOfArcs));
  };

  const bmp = (value) => {
    const units = [];
    for (let at = 0; at < value.length; at += 1) {
      const unit = value.charCodeAt(at);
      units.push(unit >> 8, unit & 0xff);
    }
    return Uint8Array.from(units);
  };

  // --- keys and requests ---

  const rsa = (modulusLength) => ({
    generate: {
      name: "RSASSA-PKCS1-v1_5",
      modulusLength,
      publicExponent: Uint8Array.of(1, 0, 1),
      hash: "SHA-256",
    },
    sign: { name: "RSASSA-PKCS1-v1_5" },
    algorithm: seq(oid("1.2.840.113549.1.1.11"), nothing),
    signature: (raw) => raw,
  });

  // WebCrypto gives r and s back to back; X.509 wants two integers.
  const pair = (raw) => {
    const half = raw.length / 2;
    return seq(positive(raw.slice(0, half)), positive(raw.slice(half)));
  };

  const ec = (namedCurve, hash, algorithm) => ({
    generate: { name: "ECDSA", namedCurve },
    sign: { name: "ECDSA", hash },
    algorithm: seq(oid(algorithm)),
    signature: pair,
  });

  const KINDS = {
    rsa2048: rsa(2048),
    rsa3072: rsa(3072),
    p256: ec("P-256", "SHA-256", "1.2.840.10045.4.3.2"),
    p384: ec("P-384", "SHA-384", "1.2.840.10045.4.3.3"),
  };

  const makeKey = async (kind) => {
    const keys = await crypto.subtle.generateKey(KINDS[kind].generate, true, ["sign", "verify"]);
    return { kind, keys };
  };

  const spkiOf = async (key) => new Uint8Array(await crypto.subtle.exportKey("spki", key.keys.publicKey));

  // PKCS #10: no subject, and the mailbox as the one alternative name. What is certified was ordered before.
  const makeRequest = async (key, mailbox) => {
    const { sign, algorithm, signature } = KINDS[key.kind];
    const names = seq(text(0x81, mailbox));
    const extensions = seq(seq(oid("2.5.29.17"), octets(names)));
    const attributes = element(0xa0, seq(oid("1.2.840.113549.1.9.14"), set(extensions)));
    const info = seq(number(0), seq(), await spkiOf(key), attributes);
    const raw = new Uint8Array(await crypto.subtle.sign(sign, key.keys.privateKey, info));
    return seq(info, algorithm, bits(signature(raw)));
  };

  // --- PKCS #12 (RFC 7292) ---

  const DATA = "1.2.840.113549.1.7.1";
  // As much work as a guess may cost; a browser needs less than a second for it.
  const ROUNDS = 200000;
  // openssl's own figure for the integrity code is 2048, Windows' 2000; NSS refuses more than 600000.
  const MAC_ROUNDS = 10000;

  const random = (count) => crypto.getRandomValues(new Uint8Array(count));

  // PBES2: PBKDF2 with HMAC-SHA-256, AES-256-CBC. Windows 10 (1809), macOS, openssl 1.1 and NSS read it.
  const encrypt = async (password, content) => {
    const salt = random(16);
    const iv = random(16);
    const secret = new TextEncoder().encode(password);
    const base = await crypto.subtle.importKey("raw", secret, "PBKDF2", false, ["deriveKey"]);
    const key = await crypto.subtle.deriveKey(
      { name: "PBKDF2", salt, iterations: ROUNDS, hash: "SHA-256" },
      base,
      { name: "AES-CBC", length: 256 },
      false,
      ["encrypt"],
    );
    const hmac = seq(oid("1.2.840.113549.2.9"), nothing);
    const derivation = seq(oid("1.2.840.113549.1.5.12"), seq(octets(salt), number(ROUNDS), number(32), hmac));
    const cipher = seq(oid("2.16.840.1.101.3.4.1.42"), octets(iv));
    return {
      algorithm: seq(oid("1.2.840.113549.1.5.13"), seq(derivation, cipher)),
      content: new Uint8Array(await crypto.subtle.encrypt({ name: "AES-CBC", iv }, key, content)),
    };
  };

  const filled = (source, size) => {
    const whole = new Uint8Array(size);
    for (let at = 0; at < size; at += 1) whole[at] = source[at % source.length];
    return whole;
  };

  // Appendix B with SHA-256, for 32 octets: one round of its outer loop.
  const macKey = async (password, salt) => {
    const block = 64;
    const whole = (source) => filled(source, block * Math.ceil(source.length / block));
    const diversifier = filled(Uint8Array.of(3), block);
    let digest = bytes(diversifier, whole(salt), whole(bmp(password + "\0")));
    for (let round = 0; round < MAC_ROUNDS; round += 1) {
      digest = new Uint8Array(await crypto.subtle.digest("SHA-256", digest));
    }
    return crypto.subtle.importKey("raw", digest, { name: "HMAC", hash: "SHA-256" }, false, ["sign"]);
  };

  const contentInfo = (type, content) => seq(oid(type), element(0xa0, content));

  const makePkcs12 = async (key, certificates, name, password) => {
    const leafId = new Uint8Array(await crypto.subtle.digest("SHA-256", certificates[0]));
    const marks = set(
      seq(oid("1.2.840.113549.1.9.20"), set(element(0x1e, bmp(name)))),
      seq(oid("1.2.840.113549.1.9.21"), set(octets(leafId))),
    );
    const bag = (type, value, attributes) => seq(oid(type), element(0xa0, value), attributes);
    const none = new Uint8Array();
    const certBags = certificates.map((der, at) => {
      const value = seq(oid("1.2.840.113549.1.9.22.1"), element(0xa0, octets(der)));
      return bag("1.2.840.113549.1.12.10.1.3", value, at === 0 ? marks : none);
    });
    const sealed = await encrypt(password, seq(...certBags));
    const encrypted = seq(
      number(0),
      seq(oid(DATA), sealed.algorithm, element(0x80, sealed.content)),
    );
    const pkcs8 = new Uint8Array(await crypto.subtle.exportKey("pkcs8", key.keys.privateKey));
    const shrouded = await encrypt(password, pkcs8);
    const keyBag = bag(
      "1.2.840.113549.1.12.10.1.2",
      seq(shrouded.algorithm, octets(shrouded.content)),
      marks,
    );
    const safe = seq(
      contentInfo("1.2.840.113549.1.7.6", encrypted),
      contentInfo(DATA, octets(seq(keyBag))),
    );
    const salt = random(16);
    const mac = await crypto.subtle.sign("HMAC", await macKey(password, salt), safe);
    const digest = seq(seq(oid("2.16.840.1.101.3.4.2.1"), nothing), octets(new Uint8Array(mac)));
    const macData = seq(digest, octets(salt), number(MAC_ROUNDS));
    return seq(number(3), contentInfo(DATA, octets(safe)), macData);
  };

  // --- on the way ---

  const base64 = (der) => {
    let binary = "";
    for (const octet of der) binary += String.fromCharCode(octet);
    return btoa(binary);
  };

  const unbase64 = (encoded) => Uint8Array.from(atob(encoded), (c) => c.charCodeAt(0));

  const pem = (der) => {
    const lines = base64(der).match(/.{1,64}/g).join("\n");
    return `-----BEGIN CERTIFICATE REQUEST-----\n${lines}\n-----END CERTIFICATE REQUEST-----\n`;
  };

  // Whether a certificate is for our key: its SubjectPublicKeyInfo stands in it, octet by octet.
  const holds = (der, spki) => {
    for (let at = 0; at + spki.length <= der.length; at += 1) {
      if (spki.every((octet, i) => octet === der[at + i])) return true;
    }
    return false;
  };

  return { makeKey, makeRequest, makePkcs12, spkiOf, base64, unbase64, pem, holds, positive, number, oid };
})();

// --- the page ---

const start = () => {
  const form = document.getElementById("make");
  if (!form) return;
  const say = (words) => {
    document.getElementById("progress").textContent = words;
  };
  const button = form.querySelector("button");
  const [password, again] = [form.elements.password, form.elements.again];
  if (!window.crypto || !crypto.subtle) {
    button.disabled = true;
    say(form.dataset.failed);
    return;
  }
  // Kept until the file is offered, so that a lost answer loses no key: the same request is answered in the same way.
  let made = null;
  const guard = (event) => event.preventDefault();

  const bring = async () => {
    const response = await fetch(form.dataset.post, {
      method: "POST",
      body: new URLSearchParams({ code: form.dataset.code, csr: core.pem(made.request) }),
      cache: "no-store",
      credentials: "omit",
      redirect: "error",
      referrerPolicy: "no-referrer",
    });
    const answer = await response.json();
    if (!Array.isArray(answer.certificates)) throw new Error(answer.error || "no certificates");
    const certificates = answer.certificates.map(core.unbase64);
    if (!core.holds(certificates[0], await core.spkiOf(made.key))) throw new Error("not our key");
    return certificates;
  };

  const make = async () => {
    if (!made) {
      const key = await core.makeKey(form.elements.key.value);
      made = { key, request: await core.makeRequest(key, form.dataset.mailbox) };
    }
    window.addEventListener("beforeunload", guard);
    const certificates = await bring();
    const file = await core.makePkcs12(made.key, certificates, form.dataset.mailbox, password.value);
    const link = document.getElementById("save");
    link.href = URL.createObjectURL(new Blob([file], { type: "application/x-pkcs12" }));
    link.download = form.dataset.file;
    document.getElementById("result").hidden = false;
    link.addEventListener("click", () => window.removeEventListener("beforeunload", guard));
    link.click();
    link.focus();
  };

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const wrong = [
      [password.value.length < 8, form.dataset.weak, password],
      [password.value !== again.value, form.dataset.differ, again],
    ].find(([is]) => is);
    if (wrong) {
      say(wrong[1]);
      wrong[2].focus();
      return;
    }
    button.disabled = true;
    say(form.dataset.working);
    try {
      await make();
      say(form.dataset.done);
      password.value = "";
      again.value = "";
    } catch (error) {
      console.error(error);
      say(form.dataset.failed);
      button.disabled = false;
    }
  });
};

if (typeof document === "object") start();
if (typeof module === "object") module.exports = core;
