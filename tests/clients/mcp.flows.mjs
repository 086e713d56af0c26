// @modelcontextprotocol/sdk 1: what an MCP client does that knows nothing but an address.
import assert from 'node:assert/strict';

import { auth, extractWWWAuthenticateParams } from '@modelcontextprotocol/sdk/client/auth.js';
import { applyMiddlewares, withOAuth } from '@modelcontextprotocol/sdk/client/middleware.js';

import { Browser, CALLBACK, ada, at, flow } from './demo_site.mjs';

// What stands in for an MCP server: a resource that answers a bare request with 401.
const RESOURCE = at('/api/v1/me');

// Keeps in memory what a program would keep in files.
class Provider {
  redirectUrl = CALLBACK;
  kept = {};

  constructor(scope) {
    this.clientMetadata = {
      client_name: 'An MCP client',
      redirect_uris: [CALLBACK],
      grant_types: ['authorization_code', 'refresh_token'],
      response_types: ['code'],
      token_endpoint_auth_method: 'none',
      scope,
    };
  }
  clientInformation() {
    return this.kept.client;
  }
  saveClientInformation(client) {
    this.kept.client = client;
  }
  tokens() {
    return this.kept.tokens;
  }
  saveTokens(tokens) {
    this.kept.tokens = tokens;
  }
  redirectToAuthorization(address) {
    this.kept.address = address;
  }
  saveCodeVerifier(verifier) {
    this.kept.verifier = verifier;
  }
  codeVerifier() {
    return this.kept.verifier;
  }
}

// What its transports do with a 401: metadata of the resource and of the server, registration, code
// and PKCE for that resource.
async function connect(provider) {
  const bare = await fetch(RESOURCE);
  assert.equal(bare.status, 401);
  const { resourceMetadataUrl } = extractWWWAuthenticateParams(bare);
  const options = { serverUrl: RESOURCE, resourceMetadataUrl };
  assert.equal(await auth(provider, options), 'REDIRECT');
  const back = await new Browser().authorize(provider.kept.address);
  const authorizationCode = back.searchParams.get('code');
  assert.equal(await auth(provider, { ...options, authorizationCode }), 'AUTHORIZED');
}

const calls = (provider) => applyMiddlewares(withOAuth(provider, RESOURCE))(fetch);

// CS-X4, CS-R1: from a bare 401 to a call
flow('from-a-401-to-a-call', async () => {
  const provider = new Provider('leads:read');

  await connect(provider);

  const { address, client } = provider.kept;
  assert.ok(client.client_id, 'the client has registered itself');
  // what was asked for is the resource (RFC 9728 §3.3)
  assert.equal(address.searchParams.get('resource'), String(RESOURCE));
  assert.equal(address.searchParams.get('code_challenge_method'), 'S256');
  const answer = await calls(provider)(RESOURCE);
  assert.equal((await answer.json()).principal.username, ada.username);
});

// CS-T7: the refresh token is used when the access token is dead, and nobody is asked
flow('refresh', async () => {
  const provider = new Provider('leads:read');
  await connect(provider);
  const first = provider.kept.tokens;
  provider.kept.tokens = { ...first, access_token: 'lk_at_dead' };

  const answer = await calls(provider)(RESOURCE);

  assert.equal(answer.status, 200);
  assert.notEqual(provider.kept.tokens.refresh_token, first.refresh_token);
});
