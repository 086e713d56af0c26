// openid-client 6: the certified relying party for Node.
import assert from 'node:assert/strict';

import * as client from 'openid-client';

import { Browser, CALLBACK, ada, at, createDevice, demo, flow, issuer } from './demo_site.mjs';

const { web, spa, service } = demo.clients;
// the demo speaks http on loopback
const execute = [client.allowInsecureRequests];
const oauth2 = { execute, algorithm: 'oauth2' };
// "non-repudiation": the ID token is verified with the published keys, although it came by TLS
const oidc = { execute: [client.allowInsecureRequests, client.enableNonRepudiationChecks] };

const WEB_CALLBACK = web.redirect_uris[0];
const discover = (as, options) => client.discovery(at('/'), as.client_id, as.client_secret, undefined, options);
const asPublic = (as, options) => client.discovery(at('/'), as.client_id, undefined, client.None(), options);

// What a client is given that makes itself known, with the token that the administrator handed out.
// Who names no method has registered client_secret_basic (RFC 7591 §2), and this library would post.
const register = (metadata, authentication = client.ClientSecretBasic(), execute = oidc.execute) =>
  client.dynamicClientRegistration(
    at('/'),
    { redirect_uris: [CALLBACK], client_name: 'openid-client', ...metadata },
    authentication,
    { execute, initialAccessToken: demo.registration_token },
  );

// Sends the person off and takes what comes back for tokens.
async function codeFlow(config, parameters, { build, dpop, expected = {}, browser = new Browser() } = {}) {
  const pkceCodeVerifier = client.randomPKCECodeVerifier();
  const state = client.randomState();
  const asked = {
    code_challenge: await client.calculatePKCECodeChallenge(pkceCodeVerifier),
    code_challenge_method: 'S256',
    state,
    ...parameters,
  };
  const address = await (build ?? client.buildAuthorizationUrl)(config, asked);
  const back = await browser.authorize(address);
  const checks = { pkceCodeVerifier, expectedState: state, ...expected };
  return client.authorizationCodeGrant(config, back, checks, undefined, dpop && { DPoP: dpop });
}

async function me(config, token, options) {
  const answer = await client.fetchProtectedResource(
    config, token, at('/api/v1/me'), 'GET', undefined, undefined, options,
  );
  assert.equal(answer.status, 200);
  return answer.json();
}

const leads = { redirect_uri: WEB_CALLBACK, scope: 'leads:read leads:write' };

// CS-D1, CS-D2, CS-D12, CS-D14, CS-A5, CS-A7, CS-A18: metadata, state, iss, PKCE
flow('code+pkce', async () => {
  const config = await discover(web, oauth2);
  assert.equal(config.serverMetadata().supportsPKCE(), true);

  const tokens = await codeFlow(config, leads);

  assert.equal(tokens.token_type, 'bearer');
  assert.equal(tokens.scope, 'leads:read leads:write');
  assert.equal((await me(config, tokens.access_token)).principal.username, ada.username);
});

flow('code+pkce-public', async () => {
  const config = await asPublic(spa, oauth2);

  const tokens = await codeFlow(config, { redirect_uri: spa.redirect_uris[0], scope: 'leads:read' });

  assert.equal((await me(config, tokens.access_token)).credential.clientId, spa.client_id);
});

// CS-T7: rotation, and narrowing
flow('refresh', async () => {
  const config = await discover(web, oauth2);
  const first = await codeFlow(config, leads);

  const second = await client.refreshTokenGrant(config, first.refresh_token, { scope: 'leads:read' });

  assert.notEqual(second.refresh_token, first.refresh_token);
  assert.equal(second.scope, 'leads:read');
  const third = await client.refreshTokenGrant(config, second.refresh_token);
  assert.equal((await me(config, third.access_token)).principal.username, ada.username);
});

// CS-T10: no refresh token, no ID token
flow('client-credentials', async () => {
  for (const method of [client.ClientSecretBasic, client.ClientSecretPost]) {
    const config = await client.discovery(
      at('/'), service.client_id, undefined, method(service.client_secret), oauth2,
    );

    const tokens = await client.clientCredentialsGrant(config, { scope: 'leads:read' });

    assert.equal(tokens.refresh_token ?? tokens.id_token, undefined);
    assert.equal((await me(config, tokens.access_token)).principal.id, service.client_id);
  }
});

// CS-X1, CS-X2: what is live, and that it is dead once revoked
flow('introspection+revocation', async () => {
  const config = await discover(service, oauth2);
  const { access_token: token } = await client.clientCredentialsGrant(config, { scope: 'leads:read' });
  const live = await client.tokenIntrospection(config, token);
  assert.equal(live.active, true);
  assert.equal(live.client_id, service.client_id);

  await client.tokenRevocation(config, token);

  assert.deepEqual(await client.tokenIntrospection(config, token), { active: false });
  await client.tokenRevocation(config, 'a token of nobody');
});

// CS-J1, CS-J3, CS-T5, CS-T6, CS-A6, CS-A10, CS-U1, CS-U3: the ID token is right for this library
flow('openid', async () => {
  const config = await discover(web, oidc);
  const expectedNonce = client.randomNonce();

  const tokens = await codeFlow(
    config,
    { redirect_uri: WEB_CALLBACK, scope: 'openid profile email', nonce: expectedNonce, max_age: '300' },
    { expected: { expectedNonce, maxAge: 300, idTokenExpected: true } },
  );

  const { sub, iss, email } = tokens.claims();
  assert.equal(iss, issuer);
  // profile and email belong to userinfo
  assert.equal(email, undefined);
  const user = await client.fetchUserInfo(config, tokens.access_token, sub);
  assert.equal(user.email, 'ada@acme.example');
  assert.equal(typeof user.updated_at, 'number');
  const again = await client.refreshTokenGrant(config, tokens.refresh_token);
  assert.equal(again.claims().sub, sub);
});

// CS-A8: nobody is asked a second time, and nobody is let in without having signed in
flow('prompt-none', async () => {
  const config = await discover(web, oidc);
  const silent = { redirect_uri: WEB_CALLBACK, scope: 'openid', prompt: 'none' };
  await assert.rejects(codeFlow(config, silent), { error: 'login_required' });
  const browser = new Browser();
  const first = await codeFlow(config, { ...silent, prompt: 'consent' }, { browser });

  const second = await codeFlow(config, silent, { browser });

  assert.equal(second.claims().sub, first.claims().sub);
});

// CS-A15: the answer is in a form
flow('form-post', async () => {
  const config = await discover(web, oauth2);

  const tokens = await codeFlow(config, { ...leads, response_mode: 'form_post' });

  assert.equal((await me(config, tokens.access_token)).principal.username, ada.username);
});

// CS-R1, CS-R3, CS-R5: a client makes itself known, and reads what is kept of it
flow('registration', async () => {
  const metadata = {
    grant_types: ['authorization_code', 'refresh_token'],
    token_endpoint_auth_method: 'client_secret_post',
    id_token_signed_response_alg: 'ES256',
    contacts: ['ops@example.com'],
  };
  const config = await register(metadata, client.ClientSecretPost());
  const { registration_client_uri: uri, registration_access_token: token } = config.clientMetadata();

  const tokens = await codeFlow(config, { redirect_uri: CALLBACK, scope: 'openid email' });

  assert.ok(tokens.claims().sub);
  const kept = await fetch(uri, { headers: { Authorization: `Bearer ${token}` } });
  assert.deepEqual((await kept.json()).contacts, ['ops@example.com']);
});

// The client's own keys, and what it publishes of them.
async function signingKeys(alg = 'ES256') {
  const { publicKey, privateKey } = await client.randomDPoPKeyPair(alg, { extractable: true });
  const jwk = { ...(await crypto.subtle.exportKey('jwk', publicKey)), alg, use: 'sig', kid: 'mine' };
  delete jwk.key_ops;
  delete jwk.ext;
  return { jwks: { keys: [jwk] }, key: { key: privateKey, kid: 'mine' } };
}

// CS-T8: no secret at all
flow('private-key-jwt', async () => {
  const { jwks, key } = await signingKeys();
  const config = await register(
    { jwks, token_endpoint_auth_method: 'private_key_jwt', token_endpoint_auth_signing_alg: 'ES256' },
    client.PrivateKeyJwt(key),
  );

  const tokens = await codeFlow(config, { redirect_uri: CALLBACK, scope: 'openid' });

  assert.ok(tokens.claims().sub);
});

// CS-D15: the parameters do not travel through the browser
flow('par', async () => {
  const config = await discover(web, oauth2);

  const tokens = await codeFlow(config, leads, { build: client.buildAuthorizationUrlWithPAR });

  assert.equal((await me(config, tokens.access_token)).principal.username, ada.username);
});

// CS-T9: the token is worth nothing without the key
flow('dpop', async () => {
  const config = await discover(web, oauth2);
  const dpop = client.getDPoPHandle(config, await client.randomDPoPKeyPair());

  const tokens = await codeFlow(config, leads, { dpop });

  assert.equal(tokens.token_type, 'dpop');
  const answer = await me(config, tokens.access_token, { DPoP: dpop });
  assert.equal(answer.principal.username, ada.username);
  const bare = await fetch(at('/api/v1/me'), { headers: { Authorization: `Bearer ${tokens.access_token}` } });
  assert.equal(bare.status, 401);
  const again = await client.refreshTokenGrant(config, tokens.refresh_token, undefined, { DPoP: dpop });
  assert.equal(again.token_type, 'dpop');
});

// CS-D15: the answer is signed
flow('jarm', async () => {
  const config = await register({ authorization_signed_response_alg: 'ES256' }, undefined, [
    client.allowInsecureRequests,
    client.useJwtResponseMode,
  ]);

  const tokens = await codeFlow(config, { redirect_uri: CALLBACK, scope: 'leads:read' });

  assert.equal((await me(config, tokens.access_token)).principal.username, ada.username);
});

// CS-A14: the request is signed
flow('request-object', async () => {
  const { jwks, key } = await signingKeys();
  const config = await register({ jwks, request_object_signing_alg: 'ES256' });
  const build = (config, asked) => client.buildAuthorizationUrlWithJAR(config, asked, key);

  const tokens = await codeFlow(config, { redirect_uri: CALLBACK, scope: 'leads:read' }, { build });

  assert.equal((await me(config, tokens.access_token)).principal.username, ada.username);
});

// RFC 8628: a device that has no browser asks a person who has one
flow('device', async () => {
  const config = await asPublic(createDevice('openid', 'leads:read'), oidc);
  const started = await client.initiateDeviceAuthorization(config, { scope: 'openid leads:read' });
  const tokens = client.pollDeviceAuthorizationGrant(config, started);

  await new Browser().connectDevice(started);

  assert.ok((await tokens).claims().sub);
});

// CS-L1, CS-L4: signed out here, and back at the client
flow('logout', async () => {
  const goodbye = 'http://127.0.0.1:9997/goodbye';
  const config = await register({ post_logout_redirect_uris: [goodbye] });
  const browser = new Browser();
  const asked = { redirect_uri: CALLBACK, scope: 'openid' };
  const tokens = await codeFlow(config, asked, { browser });
  const state = client.randomState();

  const left = await browser.leave(
    client.buildEndSessionUrl(config, {
      id_token_hint: tokens.id_token,
      post_logout_redirect_uri: goodbye,
      state,
    }),
  );

  assert.equal(left.href, `${goodbye}?state=${state}`);
  const silent = codeFlow(config, { ...asked, prompt: 'none' }, { browser });
  await assert.rejects(silent, { error: 'login_required' });
});
