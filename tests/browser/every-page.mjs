// The pages that there are, by who opens them, and what must have happened before.
import { open, signIn } from './browser.mjs';

export const ADA = 'acme/ada@acme.example';
export const BEN = 'acme/ben@acme.example';
export const ADMIN = 'admin@latchkey.example';

// {name} is filled in from what `prepare` found.
export const PAGES = {
  nobody: ['/login', '/forgot-password', '/reset-password?token=missing', '/missing', '/docs',
    '/signup', '/verify-email?token=missing', '/restore-email?token=missing'],
  [ADA]: [
    '/settings/connected-apps',
    '/settings/connected-apps/revoke-all',
    '/workspaces/acme/settings/apps',
    '/workspaces/acme/settings/app-policy',
    '/settings/security',
    '/settings/security/totp',
    '/settings/security/passkeys/new',
    '/settings/profile',
    '/settings/sessions',
    '/settings/sessions/end-others',
    '/workspaces/acme/settings/keys',
    '/workspaces/acme/settings/keys/new',
    '/workspaces/acme/settings/members',
    '/workspaces/acme/settings/members/leave',
    '{member}',
    '{member}/remove',
    '/workspaces/acme/settings/invitations',
    '/workspaces/acme/settings/audit',
    '{key}/rename',
    '{key}/rotate',
    '{key}/delete',
    '{consent}',
    '{again}',
    '/device',
    '{device}',
    '/oauth/logout',
    '/settings/missing',
  ],
  [ADMIN]: [
    '/admin/users',
    '{user}',
    '{user}/lock',
    '/admin/enterprises',
    '/admin/new-enterprise',
    '/admin/enterprises/acme',
    '/admin/workspaces',
    '/admin/new-workspace',
    '/admin/workspaces/acme',
    '/admin/workspaces/acme/disable',
    '/admin/apps',
    '/admin/clients',
    '/admin/new-client',
    '{client}',
    '{client}/rotate-secret',
    '{client}/edit',
    '{client}/delete',
    '/admin/subscriptions',
    '{subscription}',
    '/admin/registration-tokens',
    '/admin/signing-keys',
    '/admin/signing-keys/ES256/compromised',
    '/admin/outbox',
    '/admin/audit',
  ],
};

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

// A device that waits to be allowed, of a client that has registered itself for that.
async function device(site) {
  const registered = await fetch(site.at('/oauth/register'), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      authorization: `Bearer ${site.demo.registration_token}`,
    },
    body: JSON.stringify({
      client_name: 'A television',
      grant_types: ['urn:ietf:params:oauth:grant-type:device_code'],
      response_types: [],
      token_endpoint_auth_method: 'none',
    }),
  });
  const { client_id } = await registered.json();
  const started = await fetch(site.at('/oauth/device_authorization'), {
    method: 'POST',
    body: new URLSearchParams({ client_id, scope: 'leads:read' }),
  });
  return new URL((await started.json()).verification_uri_complete).pathname;
}

export async function prepare(browser, site) {
  const page = await open(browser, site);
  await signIn(page, site.person(ADA));
  await page.goto('/workspaces/acme/settings/keys');
  const rename = await page.getByRole('link', { name: 'Rename' }).first().getAttribute('href');
  await page.goto('/workspaces/acme/settings/members');
  const member = await page.locator('td.does a').last().getAttribute('href');
  await page.context().close();

  const admin = await open(browser, site);
  await signIn(admin, site.person(ADMIN));
  const client = `/admin/clients/${site.demo.clients.web.client_id}`;
  const first = async (path) => {
    await admin.goto(path);
    return admin.locator('td.title a').first().getAttribute('href');
  };
  const user = await first('/admin/users');
  const subscription = await first('/admin/subscriptions');
  await admin.context().close();
  return {
    key: rename.replace(/\/rename$/, ''),
    member: member.replace(/\/remove$/, ''),
    client,
    user,
    subscription,
    consent: authorization(site),
    again: authorization(site, 'web', { prompt: 'login' }),
    device: await device(site),
  };
}
