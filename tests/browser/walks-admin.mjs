// The pages of those who administer the server.
import { press, signIn } from './browser.mjs';
import { ADMIN } from './every-page.mjs';
import { at } from './walk.mjs';

const admin = (pages, name) => ({ name, who: ({ site }) => site.person(ADMIN), pages });

// The first of a list, whatever it is called.
const first = (path, end = '') => async ({ page }) => {
  await page.goto(path);
  const href = await page.locator('td.title a').first().getAttribute('href');
  await page.goto(`${href}${end}`);
};

const user = (username, end = '') => async ({ page }) => {
  await page.goto(`/admin/users?q=${encodeURIComponent(username)}`);
  const href = await page.getByRole('link', { name: username }).first().getAttribute('href');
  await page.goto(`${href}${end}`);
};

const clients = admin([
  at('admin/clients', '/admin/clients'),
  at('admin/clients', '/admin/clients?q=missing'),
  at('admin/new_client', '/admin/new-client',
    { '#name': '', '#redirect_uris': 'nowhere', '#workspace': 'missing' }, '#register-client-submit'),
  at('admin/client_secret', async ({ page }) => {
    await page.goto('/admin/new-client');
    await page.locator('#name').fill('A <b>bold</b> client');
    await page.locator('#redirect_uris').fill('https://app.example/callback');
    await press(page, '#register-client-submit');
  }),
  at('admin/client', '/admin/clients/{web}',
    { '#workspace': 'missing', '#enterprise': 'missing' }, '#bind-client'),
  at('admin/client', '/admin/clients/{spa}'),
  at('admin/edit_client', '/admin/clients/{web}/edit',
    { '#name': '', '#redirect_uris': 'nowhere', '#logo_uri': 'x' }, '#edit-client-submit'),
  at('admin/rotate_secret', '/admin/clients/{web}/rotate-secret',
    { 'input[name=overlap]': 'forever' }, '#rotate-secret-confirm'),
  at('admin/confirm', '/admin/clients/{web}/delete'),
  at('admin/confirm', '/admin/clients/{web}/disable'),
  at('admin/registration_tokens', '/admin/registration-tokens', { '#note': '' }, '#make-registration-token'),
  at('admin/registration_token', async ({ page }) => {
    await page.locator('#note').fill('The partners');
    await press(page, '#make-registration-token');
  }),
  at('admin/registration_tokens', '/admin/registration-tokens'),
  at('admin/apps', '/admin/apps'),
  at('admin/revoke_app', '/admin/apps/{web}'),
], 'clients');

const people = admin([
  at('admin/users', '/admin/users'),
  at('admin/user', user('acme/ben')),
  at('admin/user', user('acme/tess')),
  at('admin/confirm', user('acme/ben', '/lock')),
  at('admin/confirm', user('acme/ben', '/promote')),
  at('admin/confirm', user('acme/ben', '/sign-out')),
  at('admin/confirm', user('acme/tess', '/reset-second-factors')),
  at('admin/user', async (world) => {
    await user('una@example.com', '/lock')(world);
    await press(world.page, '#confirm');
  }),
  at('admin/enterprises', '/admin/enterprises'),
  at('admin/new_enterprise', '/admin/new-enterprise', { '#name': '', '#pin': '!' }, '#create-enterprise-submit'),
  at('admin/enterprise', '/admin/enterprises/acme', { '#name': '' }, '#rename-enterprise-submit'),
  at('admin/enterprise_people', '/admin/enterprises/acme/people'),
  at('admin/enterprise_people', '/admin/enterprises/acme/people?q=missing'),
  at('admin/workspaces', '/admin/workspaces?enterprise=acme'),
  at('admin/workspaces', '/admin/workspaces'),
  at('admin/new_workspace', '/admin/new-workspace',
    { '#name': '', '#slug': '!', '#owner': 'missing', '#plan': 'endless' }, '#create-workspace-submit'),
  at('admin/workspace', '/admin/workspaces/acme', { '#plan': 'endless' }, '#set-plan-submit'),
  at('admin/workspace', '/admin/workspaces/acme', { '#username': 'missing' }, '#add-member-submit'),
  at('admin/confirm', '/admin/workspaces/acme/disable'),
  at('admin/confirm', async ({ page }) => {
    await page.goto('/admin/workspaces/acme');
    await page.getByRole('link', { name: 'Remove acme/ben' }).click();
  }),
  at('admin/confirm', user(ADMIN, '/lock'), {}, '#confirm'),
], 'people');

const server = admin([
  at('admin/subscriptions', '/admin/subscriptions', { '#account': 'missing' }, '#enable-account-submit'),
  at('admin/subscription', first('/admin/subscriptions'),
    { 'input[name=overlap]': 'forever' }, '#rotate-subscription-submit'),
  at('admin/signing_keys', '/admin/signing-keys'),
  at('admin/confirm', '/admin/signing-keys/ES256/rotate'),
  at('admin/confirm', '/admin/signing-keys/ES256/compromised'),
  at('admin/outbox', '/admin/outbox'),
  at('admin/outbox', '/admin/outbox?q=missing'),
  at('admin/audit', '/admin/audit',
    { '#workspace': 'missing', '#from': 'yesterday', '#to': 'today' }, '#filter-submit'),
  at('account/confirm', async ({ page, site }) => {
    await site.age();
    await page.goto('/admin/new-client');
  }),
  at('error', async ({ page, site }) => {
    await signIn(page, site.person('joe@example.com'));
    await page.goto('/admin/users');
  }),
], 'the server');

export const ADMINS = [clients, people, server];
