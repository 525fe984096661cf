// A provider of accounts, as a trust may have one: a certified one, with people who sign in by a click.

import { generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";

import * as oidc from "oidc-provider";

export const CLIENT = "staffroom";
export const SECRET = "a secret that only the two of them know";

export class Accounts {
  /** `people`: what the provider says of each, by what it calls the account. */
  static async start(redirect, people) {
    const accounts = new Accounts();
    accounts.people = people;
    accounts.server = createServer((request, response) => accounts.answer(request, response));
    await new Promise((listening) => accounts.server.listen(0, "127.0.0.1", listening));
    accounts.issuer = `http://127.0.0.1:${accounts.server.address().port}`;
    accounts.provider = accounts.configured(redirect);
    accounts.callback = accounts.provider.callback();
    return accounts;
  }

  configured(redirect) {
    const { base, Prompt } = oidc.interactionPolicy;
    const policy = base();
    policy.add(new Prompt({ name: "select_account", requestable: true }), 0);
    return new oidc.Provider(this.issuer, {
      clients: [{ client_id: CLIENT, client_secret: SECRET, redirect_uris: [redirect] }],
      claims: { email: ["email", "email_verified"], profile: ["name", "groups"] },
      // In the ID token, as those of Microsoft and Google have them.
      conformIdTokenClaims: false,
      cookies: { keys: [randomUUID()] },
      features: { devInteractions: { enabled: false } },
      findAccount: (_, accountId) => ({
        accountId,
        claims: () => ({ sub: accountId, ...this.people[accountId] }),
      }),
      interactions: { policy, url: (_, { uid }) => `/choose/${uid}` },
      jwks: { keys: [newKey()] },
      pkce: { required: () => true },
      ttl: { AuthorizationCode: 60, Grant: 600, IdToken: 600, Interaction: 600, Session: 600 },
    });
  }

  /** Keeps the next one who would be sent back to the school, and gives the address in place of that. */
  catchNext() {
    return new Promise((caught) => { this.caught = caught; });
  }

  answer(request, response) {
    const end = response.end.bind(response);
    response.end = (...body) => {
      const to = response.getHeader("location");
      if (!this.caught || !to?.includes("/sign-in/return")) return end(...body);
      this.caught(new URL(to));
      this.caught = undefined;
      for (const name of ["location", "content-length"]) response.removeHeader(name);
      response.statusCode = 200;
      return end("caught");
    };
    if (!request.url.startsWith("/choose/")) {
      this.callback(request, response);
    } else if (request.method === "POST") {
      this.chosen(request, response).catch((error) => response.writeHead(500).end(String(error)));
    } else {
      const buttons = Object.keys(this.people).map(
        (account) => `<button name="account" value="${account}">${account}</button>`);
      response.setHeader("content-type", "text/html");
      response.end(`<h1>Choose an account</h1><form method="post">${buttons.join("")}
        <button name="account" value="">Turn back</button></form>`);
    }
  }

  async chosen(request, response) {
    const sent = [];
    for await (const piece of request) sent.push(piece);
    const accountId = new URLSearchParams(Buffer.concat(sent).toString()).get("account");
    const { params } = await this.provider.interactionDetails(request, response);
    let result = { error: "access_denied" };
    if (accountId) {
      const grant = new this.provider.Grant({ accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      const consent = { grantId: await grant.save() };
      result = { select_account: {}, login: { accountId }, consent };
    }
    await this.provider.interactionFinished(request, response, result);
  }

  async stop() {
    this.server.closeAllConnections();
    await new Promise((closed) => this.server.close(closed));
  }
}

function newKey() {
  const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
  return { ...privateKey.export({ format: "jwk" }), kid: randomUUID(), use: "sig", alg: "RS256" };
}
