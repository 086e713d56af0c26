// The people of the demo, and how their pages are reached that need more than an address.
import { open, press, signIn } from './browser.mjs';

export const ADA = 'acme/ada@acme.example';
export const BEN = 'acme/ben@acme.example';
export const TESS = 'acme/tess@acme.example';
export const JOE = 'joe@example.com';
export const ADMIN = 'admin@latchkey.example';

// An authorization request of the demo's web client.
export function authorization(site, client = 'web', more = {}) {
  const { client_id, redirect_uris } = site.demo.clients[client];
  const query = new URLSearchParams({
    response_type: 'code',
    client_id,
    redirect_uri: redirect_uris[0],
    scope: 'openid profile datasets:read datasets:write leads:read',
    state: 'xyz',
    code_challenge: 'E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM',
    code_challenge_method: 'S256',
    ...more,
  });
  return `/oauth/authorize?${query}`;
}

// A client that has registered itself for devices without a keyboard.
export async function television(site) {
  const registered = await fetch(site.at('/oauth/register'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${site.demo.registration_token}`,
    },
    body: JSON.stringify({
      client_name: 'A television',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code', 'refresh_token'],
      response_types: [],
      token_endpoint_auth_method: 'none',
    }),
  });
  return (await registered.json()).client_id;
}

// A device that waits to be allowed: RFC 8628 §3.2, and the path of the page.
export async function device(site, client_id) {
  const started = await fetch(site.at('/oauth/device_authorization'), {
    method: 'POST',
    body: new URLSearchParams({ client_id, scope: 'leads:read' }),
  });
  const waiting = await started.json();
  return { ...waiting, path: new URL(waiting.verification_uri_complete).pathname };
}

// What the device gets meanwhile: RFC 8628 §3.4.
export async function poll(site, client_id, { device_code }) {
  const grant_type = 'urn:ietf:params:oauth:grant-type:device_code';
  const body = new URLSearchParams({ grant_type, client_id, device_code });
  return (await fetch(site.at('/oauth/token'), { method: 'POST', body })).json();
}

// Connects an app of the demo for the person of a page.
export async function connect({ site, app, page }, client) {
  await page.goto(authorization(site, client, { redirect_uri: app.uri }));
  await press(page, '#consent-allow');
}

// Apps connected by two people, invitations, people of the tests' own, a scan.
export async function prepare(world) {
  const { site, browser } = world;
  const places = { web: site.demo.clients.web.client_id, spa: site.demo.clients.spa.client_id };
  const people = {};
  for (const name of ['moe', 'una', 'pia', 'tom']) {
    people[name] = await site.admin('create-user', '--username', `${name}@example.com`);
  }
  const page = await open(browser, site);
  await signIn(page, site.person(ADA));
  for (const client of ['web', 'spa']) await connect({ ...world, page }, client);
  await page.goto('/settings/connected-apps');
  places.grant = await page.locator('input[name=grant]').first().inputValue();
  await page.goto('/workspaces/acme/settings/keys');
  const rename = await page.getByRole('link', { name: 'Rename' }).first().getAttribute('href');
  places.key = rename.replace(/\/rename$/, '');
  await page.goto('/workspaces/acme/settings/members');
  const remove = await page.getByRole('link', { name: `Remove ${BEN}` }).getAttribute('href');
  places.member = remove.replace(/\/remove$/, '');
  for (const username of [JOE, 'somebody@new.example']) {
    await page.goto('/workspaces/subscribeflow/settings/invitations');
    await page.locator('#username').fill(username);
    await press(page, '#invite-submit');
  }
  await page.context().close();
  const ben = await open(browser, site);
  await signIn(ben, site.person(BEN));
  await connect({ ...world, page: ben }, 'web');
  await ben.context().close();

  places.joes = linkTo(await site.letterTo(JOE, 'Join the workspace'), '/invitations/');
  const others = await site.letterTo('somebody@new.example', 'Join the workspace');
  places.somebodys = linkTo(others, '/invitations/');
  places.scan = await scan(site);
  places.television = await television(site);
  return { ...places, people };
}

export const linkTo = (letter, path) => letter.links.find((link) => link.includes(path));

async function scan(site) {
  const response = await fetch(site.at('/api/scans/ingest'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${site.demo.api_keys.reqflo_live}`,
    },
    body: JSON.stringify({
      service: { name: 'Billing <API>' },
      spec: { hash: 'a'.repeat(64), format: 'openapi', version: '3.1.0' },
      endpoints: [{
        method: 'POST',
        path: '/charges/{id}',
        operationId: 'createCharge',
        tags: ['Payments', 'Cards'],
        summary: 'Create charge',
      }],
      findings: [
        { code: 'no-auth', severity: 'critical', message: 'Anybody may call it.', method: 'POST', path: '/charges/{id}' },
        { code: 'no-title', severity: 'low', message: 'There is no title.', method: null, path: null },
      ],
    }),
  });
  return (await response.json()).resultUrl;
}
