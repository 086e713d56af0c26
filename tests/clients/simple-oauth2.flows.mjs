// simple-oauth2 5: one class a grant, with no discovery and no OpenID Connect.
import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';

import { AuthorizationCode, ClientCredentials, ResourceOwnerPassword } from 'simple-oauth2';

import { Browser, ada, demo, flow, issuer, me } from './demo_site.mjs';

const { web, script, service } = demo.clients;
const redirect_uri = web.redirect_uris[0];

// Its default paths are ours.
const config = ({ client_id: id, client_secret: secret }) => ({
  client: { id, secret },
  auth: { tokenHost: issuer },
});

// It leaves PKCE to whoever uses it.
async function codeFlow(scope) {
  const client = new AuthorizationCode(config(web));
  const verifier = randomBytes(32).toString('base64url');
  const state = randomBytes(16).toString('base64url');
  const address = client.authorizeURL({
    redirect_uri,
    scope,
    state,
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
  });
  const back = await new Browser().authorize(address);
  assert.equal(back.searchParams.get('state'), state);
  const code = back.searchParams.get('code');
  return client.getToken({ code, redirect_uri, code_verifier: verifier });
}

// CS-T2: its header has percent-encoded parts, as RFC 6749 §2.3.1 says
flow('code+pkce', async () => {
  const token = await codeFlow(['leads:read', 'leads:write']);

  assert.equal(token.expired(), false);
  assert.equal((await me(token.token.access_token)).body.principal.username, ada.username);
});

flow('refresh+revocation', async () => {
  const first = await codeFlow(['leads:read']);
  const second = await first.refresh();
  assert.notEqual(second.token.refresh_token, first.token.refresh_token);
  assert.equal((await me(second.token.access_token)).status, 200);

  await second.revokeAll();

  assert.equal((await me(second.token.access_token)).status, 401);
});

flow('client-credentials', async () => {
  const client = new ClientCredentials(config(service));

  const { token } = await client.getToken({ scope: 'leads:read' });

  assert.equal((await me(token.access_token)).body.principal.id, service.client_id);
});

// CS-T11
flow('password', async () => {
  const client = new ResourceOwnerPassword(config(script));
  const { username, password } = ada;

  const { token } = await client.getToken({ username, password, scope: 'leads:read' });

  assert.equal((await me(token.access_token)).body.principal.username, username);
  await assert.rejects(client.getToken({ username, password: 'wrong' }), /400/);
});
