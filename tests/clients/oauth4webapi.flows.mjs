// oauth4webapi 3: the requests and the checks of their answers, one function each.
import assert from 'node:assert/strict';

import * as oauth from 'oauth4webapi';

import { Browser, CALLBACK, ada, at, createDevice, createFapi2, demo, flow, me } from './demo_site.mjs';

const { web, service } = demo.clients;
const WEB_CALLBACK = web.redirect_uris[0];
// the demo speaks http on loopback
const http = { [oauth.allowInsecureRequests]: true };

async function discover(algorithm) {
  const answer = await oauth.discoveryRequest(at('/'), { ...http, algorithm });
  return oauth.processDiscoveryResponse(at('/'), answer);
}

async function register(as, metadata) {
  const answer = await oauth.dynamicClientRegistrationRequest(
    as,
    { client_name: 'oauth4webapi', redirect_uris: [CALLBACK], ...metadata },
    { ...http, initialAccessToken: demo.registration_token },
  );
  return oauth.processDynamicClientRegistrationResponse(answer);
}

// Code and PKCE, step by step as in its examples; with `push` the parameters go by PAR.
async function codeFlow(as, client, authentication, asked, { push = false, DPoP, nonce, keys } = {}) {
  const verifier = oauth.generateRandomCodeVerifier();
  const state = oauth.generateRandomState();
  const parameters = new URLSearchParams({
    client_id: client.client_id,
    response_type: 'code',
    code_challenge: await oauth.calculatePKCECodeChallenge(verifier),
    code_challenge_method: 'S256',
    state,
    ...(nonce && { nonce }),
    ...asked,
  });
  const options = { ...http, DPoP };
  const address = new URL(as.authorization_endpoint);
  if (push) {
    const answer = await oauth.pushedAuthorizationRequest(as, client, authentication, parameters, options);
    const { request_uri } = await oauth.processPushedAuthorizationResponse(as, client, answer);
    address.search = new URLSearchParams({ client_id: client.client_id, request_uri });
  } else {
    address.search = parameters;
  }

  const back = oauth.validateAuthResponse(as, client, await new Browser().authorize(address), state);
  const answer = await oauth.authorizationCodeGrantRequest(
    as, client, authentication, back, asked.redirect_uri, verifier, options,
  );
  const tokens = await oauth.processAuthorizationCodeResponse(as, client, answer, {
    expectedNonce: nonce,
    requireIdToken: nonce !== undefined,
  });
  // the signature, which it leaves out unless it is asked
  if (keys) await oauth.validateApplicationLevelSignature(as, answer, http);
  return tokens;
}

const asWeb = { client_id: web.client_id };
const webSecret = oauth.ClientSecretBasic(web.client_secret);
const leads = { redirect_uri: WEB_CALLBACK, scope: 'leads:read leads:write' };

// CS-D1, CS-D2, CS-A5, CS-A7, CS-T5: it is the strictest reader of answers that there is
flow('code+pkce', async () => {
  const as = await discover('oauth2');

  const tokens = await codeFlow(as, asWeb, webSecret, leads);

  assert.equal(tokens.scope, leads.scope);
  assert.equal((await me(tokens.access_token)).body.principal.username, ada.username);
});

// CS-T7: rotation, and what a used token is worth when its successor has been used
flow('refresh', async () => {
  const as = await discover('oauth2');
  const refresh = async (token) => {
    const answer = await oauth.refreshTokenGrantRequest(as, asWeb, webSecret, token, http);
    return oauth.processRefreshTokenResponse(as, asWeb, answer);
  };
  const first = await codeFlow(as, asWeb, webSecret, leads);
  const second = await refresh(first.refresh_token);
  // the same again within the minute of a lost answer
  assert.equal((await refresh(first.refresh_token)).refresh_token, second.refresh_token);
  const third = await refresh(second.refresh_token);

  await assert.rejects(refresh(first.refresh_token), { error: 'invalid_grant' });

  assert.equal((await me(third.access_token)).status, 401);
});

// CS-T2, CS-X1, CS-X2: a client of its own account, from the first token to the last
flow('client-credentials+introspection+revocation', async () => {
  const as = await discover('oauth2');
  const client = { client_id: service.client_id };
  const secret = oauth.ClientSecretPost(service.client_secret);
  const asked = { scope: 'leads:read' };
  const answer = await oauth.clientCredentialsGrantRequest(as, client, secret, asked, http);
  const { access_token: token } = await oauth.processClientCredentialsResponse(as, client, answer);
  const introspect = async () => {
    const answer = await oauth.introspectionRequest(as, client, secret, token, http);
    return oauth.processIntrospectionResponse(as, client, answer);
  };
  const live = await introspect();
  assert.ok(live.active && live.iss === as.issuer && live.exp > live.iat, JSON.stringify(live));

  const ended = await oauth.revocationRequest(as, client, secret, token, http);
  await oauth.processRevocationResponse(ended);

  assert.deepEqual(await introspect(), { active: false });
});

// CS-J3, CS-T6, CS-U1, CS-U3: the ID token, its signature, and userinfo
flow('openid', async () => {
  const as = await discover('oidc');
  const nonce = oauth.generateRandomNonce();
  const asked = { redirect_uri: WEB_CALLBACK, scope: 'openid email' };

  const tokens = await codeFlow(as, asWeb, webSecret, asked, { nonce, keys: true });

  const { sub } = oauth.getValidatedIdTokenClaims(tokens);
  const answer = await oauth.userInfoRequest(as, asWeb, tokens.access_token, http);
  const user = await oauth.processUserInfoResponse(as, asWeb, sub, answer);
  assert.equal(user.email, 'ada@acme.example');
});

// FAPI 2.0, as its example goes: keys instead of secrets, parameters pushed, tokens bound.
async function boundFlow(enrol) {
  const as = await discover('oidc');
  const mine = await oauth.generateKeyPair('ES256', { extractable: true });
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', mine.publicKey);
  const jwks = { keys: [{ kty, crv, x, y, kid: 'mine', use: 'sig', alg: 'ES256' }] };
  const client = await enrol(as, jwks);
  const authentication = oauth.PrivateKeyJwt({ key: mine.privateKey, kid: 'mine' });
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair('ES256'));
  const nonce = oauth.generateRandomNonce();
  const asked = { redirect_uri: CALLBACK, scope: 'openid leads:read' };

  const tokens = await codeFlow(as, client, authentication, asked, { push: true, DPoP, nonce, keys: true });

  assert.equal(tokens.token_type, 'dpop');
  const answer = await oauth.protectedResourceRequest(
    tokens.access_token, 'GET', at('/api/v1/me'), undefined, undefined, { ...http, DPoP },
  );
  assert.equal((await answer.json()).principal.username, ada.username);
}

// CS-A18, CS-A20, CS-T8, CS-T9, CS-D15: an administrator holds it to the whole profile by its name
flow('fapi2', () => boundFlow((as, jwks) => createFapi2(jwks, CALLBACK, 'openid', 'leads:read')));

// CS-R1, CS-T8, CS-T9: the same, asked for by the client itself
flow('fapi2-registered', () =>
  boundFlow((as, jwks) =>
    register(as, {
      token_endpoint_auth_method: 'private_key_jwt',
      token_endpoint_auth_signing_alg: 'ES256',
      id_token_signed_response_alg: 'ES256',
      require_pushed_authorization_requests: true,
      dpop_bound_access_tokens: true,
      jwks,
    }),
  ),
);

// RFC 8628, with the two answers that come before the person has allowed
flow('device', async () => {
  const as = await discover('oauth2');
  const { client_id } = createDevice('leads:read');
  const client = { client_id };
  const asked = { scope: 'leads:read' };
  const started = await oauth.processDeviceAuthorizationResponse(
    as, client, await oauth.deviceAuthorizationRequest(as, client, oauth.None(), asked, http),
  );
  const poll = async () => {
    const answer = await oauth.deviceCodeGrantRequest(as, client, oauth.None(), started.device_code, http);
    return oauth.processDeviceCodeResponse(as, client, answer);
  };
  await assert.rejects(poll(), { error: 'authorization_pending' });
  await new Browser().connectDevice(started);
  // as often as it was asked to, and not sooner
  await new Promise((resolve) => setTimeout(resolve, (started.interval ?? 5) * 1000 + 100));

  const tokens = await poll();

  assert.equal((await me(tokens.access_token)).body.principal.username, ada.username);
});

// RFC 9728: what the API says about itself leads to the server
flow('resource-metadata', async () => {
  const resource = at('/api/v1/me');
  const answer = await oauth.resourceDiscoveryRequest(resource, http);

  const described = await oauth.processResourceDiscoveryResponse(resource, answer);

  assert.deepEqual(described.authorization_servers, [(await discover('oauth2')).issuer]);
});
